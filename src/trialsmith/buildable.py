"""What a configuration may build, and nothing else.

Hydra builds what a `_target_` names if that name is listed here. Packages that change no file are
listed whole (Hydra then also asks where a name was defined, so that no alias leads out of them).
Of all others the constructors alone are listed, each by its name: with a whole package a
configuration could call any function in it, one that deletes a damaged record of the cache, or
Lightning's that loads a checkpoint as a pickle.
"""

PARTS = (
    "trialsmith.data.alloys",
    "trialsmith.data.crystals",
    "trialsmith.data.jarvis",
    "trialsmith.data.flow",
    "trialsmith.data.flow_synthetic",
    "trialsmith.data.fashion_mnist",
    "trialsmith.data.causal_sets",
    "trialsmith.data.graphs",
    "trialsmith.graph.GraphBuilder",
    "trialsmith.graph.builder.GraphBuilder",  # of what is callable Hydra asks again
    "trialsmith.text.*",
    "trialsmith.models.*",
    "trialsmith.fusion.*",
)
"""Data and models: all that predicting from a finished run takes."""

BUILDABLE = (
    *PARTS,
    "trialsmith.losses.*",
    # not torch.nn as a whole: functions of it import the module that an argument names
    "torch.nn.modules.loss.*",
    *(
        f"torch.nn.{name}"
        for name in (
            "BCEWithLogitsLoss",
            "CrossEntropyLoss",
            "HuberLoss",
            "L1Loss",
            "MSELoss",
            "MultiLabelSoftMarginLoss",
            "MultiMarginLoss",
            "NLLLoss",
            "PoissonNLLLoss",
            "SmoothL1Loss",
            "SoftMarginLoss",
        )
    ),
    "trialsmith.schedules.*",
    "trialsmith.callbacks.FusionWeights",
    "trialsmith.callbacks.History",
    "trialsmith.callbacks.best_checkpoint",
    "trialsmith.callbacks.early_stopping",
    "trialsmith.callbacks.learning_curves",
    "trialsmith.command.Command",
    "trialsmith.costs.InferenceTime",
    "torch.optim.*",
    "lightning.pytorch.Trainer",
    *(
        f"lightning.pytorch.callbacks.{name}"
        for name in (
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
        )
    ),
    *(
        f"lightning.pytorch.loggers.{name}"
        for name in (
            "CSVLogger",
            "CometLogger",
            "MLFlowLogger",
            "NeptuneLogger",
            "TensorBoardLogger",
            "WandbLogger",
        )
    ),
)
"""Everything that `train.py` builds."""
