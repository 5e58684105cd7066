"""Writes the pictures of a run into its folder and into TensorBoard."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.loggers import TensorBoardLogger

from trialsmith.direction import mode_of
from trialsmith.result import Predictions

# matplotlib takes a second to import and is needed at a run's end only: it is imported there


class LearningCurves(pl.Callback):
    """Draws `learning_curves.png` of `history.csv` when a run ends, also when it is cut short.

    Args:
        folder: of the run.
        monitor, direction: what scores the run.
    """

    def __init__(self, folder: str | Path, monitor: str, direction: str) -> None:
        self.folder, self.monitor = Path(folder), monitor
        self._lower_is_better = mode_of(direction, monitor) == "min"

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._draw(trainer)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        self._draw(trainer)  # pruned, diverged or broken off: what there is

    def _draw(self, trainer: pl.Trainer) -> None:
        rows = history(self.folder)
        if not rows or not trainer.is_global_zero:
            return
        from trialsmith.evaluation import learning_curves

        targets = getattr(getattr(trainer, "datamodule", None), "targets", ())
        unit = unit_of_score(self.monitor, targets)
        figure = learning_curves(rows, self.monitor, self._lower_is_better, unit)
        _leave(figure, self.folder / "learning_curves.png", "learning_curves", trainer)


def learning_curves(
    folder: str | Path, monitor: str, direction: str, plots: bool
) -> LearningCurves | None:
    """The callback, or nothing where no pictures are wanted."""
    return LearningCurves(folder, monitor, direction) if plots else None


def unit_of_score(monitor: str, targets: Sequence[Any]) -> str:
    """That of one target's error; of several, standardised, of R² and of classes there is none."""
    unit = targets[0].unit if len(targets) == 1 else ""
    if monitor == "val/mse" and unit:
        return f"{unit}²" if unit.isalpha() else f"({unit})²"
    return unit if monitor in ("val/mae", "val/rmse") else ""


def history(folder: str | Path) -> list[dict[str, float]]:
    """The rows of a run's `history.csv`, less what is empty; none before its first epoch."""
    path = Path(folder) / "history.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [{k: float(v) for k, v in row.items() if v} for row in csv.DictReader(file)]


def save_pictures(
    folder: str | Path,
    targets: Sequence[Any],
    splits: Mapping[str, Predictions],
    trainer: pl.Trainer | None = None,
) -> None:
    """A picture for each target in `evaluation_plots/`, and the trainer's TensorBoard's Images.

    They are of the last of `splits`: test where it is scored, else validation.
    """
    from trialsmith.evaluation import pictures

    where = Path(folder) / "evaluation_plots"
    where.mkdir(exist_ok=True)
    split, predictions = list(splits.items())[-1]
    for name, figure in pictures(predictions, targets, split):
        _leave(figure, where / f"{name}.png", f"evaluation/{name}", trainer)


def _leave(figure: Any, path: Path, tag: str, trainer: pl.Trainer | None) -> None:
    from matplotlib.image import imsave

    from trialsmith.callbacks.fusion_picture import pixels

    image = pixels(figure)  # drawn once, which takes the time, and shown twice
    imsave(path, image)
    if trainer is None:
        return
    for logger in trainer.loggers:
        if isinstance(logger, TensorBoardLogger):
            logger.experiment.add_image(tag, image, trainer.global_step, dataformats="HWC")
            logger.experiment.flush()
