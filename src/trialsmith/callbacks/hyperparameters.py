"""TensorBoard's HPARAMS tab."""

import math
from collections.abc import Mapping

import lightning.pytorch as pl
from lightning.pytorch.loggers import TensorBoardLogger


class HyperParameters(pl.Callback):
    """Declares a run's hyperparameters before its first epoch, so that the tab shows it at once.

    TensorBoard takes the columns from one arbitrary run: all runs of a study must declare the same
    names, also those whose parameter is absent (a dash).

    Args:
        values: by name; a nested mapping counts with its leaves, named `outer.inner`.
        monitor: the metric to show beside them.
    """

    def __init__(self, values: Mapping[str, object], monitor: str) -> None:
        self.values = {key: _cell(value) for key, value in _leaves(values).items()}
        self.monitor = monitor

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        metrics = {f"best/{self.monitor}": math.nan, self.monitor: math.nan}
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.log_hyperparams(self.values, metrics)


def _leaves(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    leaves: dict[str, object] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            leaves.update(_leaves(value, f"{prefix}{key}."))
        else:
            leaves[f"{prefix}{key}"] = value
    return leaves


def _cell(value: object) -> str | int | float | bool:
    if value is None:
        return "–"
    return value if isinstance(value, str | int | float | bool) else str(value)
