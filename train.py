"""Train one model, or with -m search for the best one: data → model → learner → trainer → result.

python train.py                                         one run
python train.py -m hparams_search=alignn_fusion         a search; the same again goes on
"""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import hydra
from omegaconf import DictConfig, OmegaConf

from hydra_plugins.trialsmith_sweeper import as_texts, current_trial, plain_errors
from trialsmith.buildable import BUILDABLE
from trialsmith.direction import mode_of

if TYPE_CHECKING:
    from trialsmith.result import Fitted

log = logging.getLogger(__name__)


@hydra.main(config_path="conf", config_name="train", execution_whitelist=BUILDABLE)
@plain_errors
def main(cfg: DictConfig) -> float | list[float]:
    """One run; returns its score: `monitor` at its best epoch, over all folds their mean."""
    # imported here, so that --help and --cfg answer at once
    from hydra.utils import instantiate

    from trialsmith.pairing import check_pair

    trial = current_trial()
    if "task" in cfg:  # another program is what is tuned, and nothing below is needed
        return instantiate(cfg.task).run(plain(cfg), OmegaConf.to_yaml(cfg), cfg.folder, trial)
    # before data are read, which may take long
    check_pair(cfg.data._target_, cfg.model._target_)
    mode_of(cfg.direction, cfg.monitor)
    if cfg.data.get("fold") != "all":
        return train(cfg, trial).objectives

    from trialsmith.cross_validation import cross_validate

    def train_fold(fold: str, folder: Path, trial: Any) -> Any:
        changes = {"folder": str(folder), "data": {"fold": fold}}
        return train(cast(DictConfig, OmegaConf.merge(cfg, changes)), trial)

    return cross_validate(train_fold, instantiate(cfg.data), plain(cfg), cfg.folder, trial)


def train(cfg: DictConfig, trial: Any) -> "Fitted":
    """Train a model and score it."""
    from hydra.utils import instantiate

    from trialsmith import callbacks, losses, runtime
    from trialsmith.learner import Learner
    from trialsmith.result import Fitted, predict

    precision = cfg.trainer.get("precision")
    runtime.prepare(cfg.seed, cfg.threads, precision, cfg.matmul_precision)
    config = plain(cfg)

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
            callbacks.HyperParameters(
                trial.parameters if trial else config, cfg.monitor, trial.space if trial else None
            ),
            objective,
        ],
    )
    before = callbacks.last_checkpoint(cfg.folder) if trial else None  # it was cut short
    trainer.fit(learner, datamodule=data, ckpt_path=before, weights_only=True)

    best = trainer.checkpoint_callback.best_model_path
    splits = {"val": predict(trainer, learner, data.val_dataloader(), best)}
    score_test = trial is None if cfg.score_test is None else cfg.score_test
    if score_test and data.sizes["test"]:  # once, with the weights that validation chose
        splits["test"] = predict(trainer, learner, data.test_dataloader(), best)
    costs = {}
    if "cost" in cfg:  # a further objective
        costs[cfg.cost.name] = instantiate(cfg.cost)(learner.model, data, trainer)
    score = {"monitor": cfg.monitor, "best": objective.best, "best_epoch": objective.best_epoch}
    callbacks.save_result(cfg.folder, {**score, **costs}, data.targets, splits)
    if cfg.plots:
        callbacks.save_pictures(cfg.folder, data.targets, splits, trainer)
    for split, predictions in splits.items():
        log.info("%s: %s", split, predictions.summary(data.targets))
    log.info("results in %s", cfg.folder)
    return Fitted(objective.best, objective.best_epoch, data.targets, splits, costs)


def plain(cfg: DictConfig) -> dict[str, Any]:
    """The configuration with every interpolation resolved."""
    return cast(dict[str, Any], OmegaConf.to_container(cfg, resolve=True))


if __name__ == "__main__":
    sys.argv[1:] = as_texts(sys.argv[1:], "command", "metric", "intermediate")
    try:
        main()
    except KeyboardInterrupt:  # what there was to end has ended on the way here
        sys.exit(130)
