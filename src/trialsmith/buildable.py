"""What a configuration may build, and nothing else.

Hydra builds what a `_target_` names if that name is listed here. Constructors are listed, each by
its name, and never a package: with a whole package a configuration could call any function and any
method in it, one that deletes a damaged record of the cache, Lightning's that loads a checkpoint as
a pickle, or Optuna's that unpickles a text.
"""


def constructors(package: str, *names: str) -> tuple[str, ...]:
    """The entries for `names` below `package`; for `module.Name` also the package's own `Name`.

    Hydra asks again for what it has built if that can be called, by the name of the module that
    defines it.
    """
    offered = (name.rpartition(".")[2] for name in names)
    return tuple(dict.fromkeys(f"{package}.{name}" for name in (*names, *offered)))


PARTS = (
    "trialsmith.data.alloys",
    "trialsmith.data.crystals",
    "trialsmith.data.jarvis",
    "trialsmith.data.flow",
    "trialsmith.data.flow_synthetic",
    "trialsmith.data.fashion_mnist",
    "trialsmith.data.causal_sets",
    "trialsmith.data.graphs",
    *constructors("trialsmith.graph", "builder.GraphBuilder"),
    *constructors(
        "trialsmith.text",
        "hashed_tokens.HashedTokens",
        "tokens.NoTokens",
        "transformer_tokens.TransformerTokens",
    ),
    *constructors(
        "trialsmith.models",
        "alignn.ALIGNN",
        "cnn.CNN",
        "text.Absent",
        "text.FrozenStates",
        "text.HashedEncoder",
    ),
    "trialsmith.models.gnn.GNN",
    "trialsmith.models.gnn_settings.gnn_of_settings",
    *constructors(
        "trialsmith.fusion",
        "alignment.Alignment",
        "cross_modal.CrossModal",
        "dynamic.Dynamic",
        "fine_grained.FineGrained",
        "fusion.Fusion",
        "middle.GatedMiddle",
    ),
)
"""Data and models: all that predicting from a finished run takes."""

BUILDABLE = (
    *PARTS,
    "trialsmith.losses.WeightedMSE",
    *constructors(
        "torch.nn",
        "modules.loss.BCEWithLogitsLoss",
        "modules.loss.CrossEntropyLoss",
        "modules.loss.HuberLoss",
        "modules.loss.L1Loss",
        "modules.loss.MSELoss",
        "modules.loss.MultiLabelSoftMarginLoss",
        "modules.loss.MultiMarginLoss",
        "modules.loss.NLLLoss",
        "modules.loss.PoissonNLLLoss",
        "modules.loss.SmoothL1Loss",
        "modules.loss.SoftMarginLoss",
    ),
    "trialsmith.schedules.constant",
    "trialsmith.schedules.one_cycle",
    "trialsmith.schedules.plateau",
    "trialsmith.callbacks.FusionWeights",
    "trialsmith.callbacks.History",
    "trialsmith.callbacks.best_checkpoint",
    "trialsmith.callbacks.early_stopping",
    "trialsmith.callbacks.learning_curves",
    "trialsmith.command.Command",
    "trialsmith.costs.InferenceTime",
    *constructors(
        "torch.optim",
        "Adafactor",
        "Muon",
        "adadelta.Adadelta",
        "adagrad.Adagrad",
        "adam.Adam",
        "adamax.Adamax",
        "adamw.AdamW",
        "asgd.ASGD",
        "lbfgs.LBFGS",
        "nadam.NAdam",
        "radam.RAdam",
        "rmsprop.RMSprop",
        "rprop.Rprop",
        "sgd.SGD",
        "sparse_adam.SparseAdam",
    ),
    "lightning.pytorch.Trainer",
    *constructors(
        "lightning.pytorch.callbacks",
        "DeviceStatsMonitor",
        "EMAWeightAveraging",
        "EarlyStopping",
        "GradientAccumulationScheduler",
        "LearningRateMonitor",
        "ModelCheckpoint",
        "ModelSummary",
        "RichProgressBar",
        "StochasticWeightAveraging",
        "TQDMProgressBar",
        "Timer",
        "WeightAveraging",
    ),
    *constructors(
        "lightning.pytorch.loggers",
        "CSVLogger",
        "CometLogger",
        "MLFlowLogger",
        "NeptuneLogger",
        "TensorBoardLogger",
        "WandbLogger",
    ),
)
"""Everything that `train.py` builds."""
