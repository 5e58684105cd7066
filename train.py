"""Train one model, or with -m search for the best one: data → model → learner → trainer → result.

python train.py                                         one run
python train.py -m hparams_search=alignn_fusion         a search; the same again goes on
"""

import logging
import sys
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from hydra_plugins.trialsmith_sweeper import as_texts, current_trial, plain_errors

log = logging.getLogger(__name__)

# What a configuration may build, and nothing else. Hydra checks both the name in the YAML and the
# one under which the class is defined, so that no entry opens a way around (torch.load, say).
BUILDABLE = (
    "trialsmith.data.*",
    "trialsmith.graph.*",
    "trialsmith.text.*",
    "trialsmith.models.*",
    "trialsmith.fusion.*",
    "trialsmith.losses.*",
    "trialsmith.schedules.*",
    "trialsmith.callbacks.*",
    "trialsmith.command.*",
    "torch.nn.*",
    "torch.optim.*",
    "lightning.pytorch.Trainer",
    "lightning.pytorch.trainer.*",
    "lightning.pytorch.callbacks.*",
    "lightning.pytorch.loggers.*",
)


@hydra.main(config_path="conf", config_name="train", execution_whitelist=BUILDABLE)
@plain_errors
def main(cfg: DictConfig) -> float | list[float]:
    """One run; returns its score: `monitor` at its best epoch."""
    # imported here, so that --help and --cfg answer at once
    from hydra.utils import instantiate

    trial = current_trial()
    config: dict[str, Any] = OmegaConf.to_container(cfg, resolve=True)  # type: ignore[assignment]
    if "task" in cfg:  # another program is what is tuned, and nothing below is needed
        return instantiate(cfg.task).run(config, OmegaConf.to_yaml(cfg), cfg.folder, trial)

    from trialsmith import callbacks, losses, runtime
    from trialsmith.learner import Learner
    from trialsmith.result import predict

    runtime.prepare(cfg.seed, cfg.threads)

    data = instantiate(cfg.data)
    data.prepare_data()
    data.setup("fit")

    model = instantiate(cfg.model, **data.dimensions)
    log.info("model: %s", getattr(model, "description", type(model).__name__))
    learner = Learner(
        model=model,
        loss=losses.fitted(instantiate(cfg.loss), data.targets),
        optimizer=instantiate(cfg.optimizer),
        schedule=instantiate(cfg.scheduler),
        scaler=data.scaler,
    )

    objective = callbacks.Objective(cfg.monitor, cfg.direction, trial)
    trainer = instantiate(
        cfg.trainer,
        logger=instantiate(cfg.logger),
        callbacks=[
            *filter(None, instantiate(cfg.callbacks).values()),
            callbacks.RunRecord(cfg.folder, config, data, trial),
            callbacks.HyperParameters(trial.parameters if trial else config, cfg.monitor),
            objective,
        ],
    )
    trainer.fit(learner, datamodule=data)

    best = trainer.checkpoint_callback.best_model_path
    splits = {"val": predict(trainer, learner, data.val_dataloader(), best)}
    score_test = trial is None if cfg.score_test is None else cfg.score_test
    if score_test and data.sizes["test"]:  # once, with the weights that validation chose
        splits["test"] = predict(trainer, learner, data.test_dataloader(), best)
    score = {"monitor": cfg.monitor, "best": objective.best, "best_epoch": objective.best_epoch}
    callbacks.save_result(cfg.folder, score, data.targets, splits)
    if cfg.plots:
        callbacks.save_pictures(cfg.folder, data.targets, splits, trainer)
    for split, predictions in splits.items():
        log.info("%s: %s", split, predictions.summary(data.targets))
    log.info("results in %s", cfg.folder)
    return objective.best


if __name__ == "__main__":
    sys.argv[1:] = as_texts(sys.argv[1:], "command", "metric", "intermediate")
    main()
