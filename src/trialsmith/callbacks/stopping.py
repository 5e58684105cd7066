"""Which epoch is kept, and when a run has learned enough."""

import logging
import math
import zipfile
from collections import deque
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import ModelCheckpoint

from trialsmith.direction import mode_of
from trialsmith.errors import InfeasibleConfig

log = logging.getLogger(__name__)


def best_checkpoint(monitor: str, direction: str, folder: str | Path) -> ModelCheckpoint:
    """Keep the weights of the epoch with the best `monitor`, and the last ones to go on from."""
    return ModelCheckpoint(
        dirpath=folder,
        filename="best",
        monitor=monitor,
        mode=mode_of(direction, monitor),
        save_last=True,
        enable_version_counter=False,
    )


class Stagnation:
    """Says when values no longer get lower.

    With w = `window`, the mean of the last w values is compared with the lowest such mean so far;
    it is better if it is lower by more than `tolerance`. The first mean is there after w values.

    Args:
        patience: so many means in a row that are no better are enough.
        window: w; of 1 the values themselves are compared.
        tolerance: in the values' unit.

    Raises:
        InfeasibleConfig: a number that cannot be.
    """

    def __init__(self, patience: int, window: int = 1, tolerance: float = 0.0) -> None:
        numbers = {"patience": (patience, 1), "window": (window, 1), "tolerance": (tolerance, 0)}
        for name, (value, least) in numbers.items():
            if value < least:
                raise InfeasibleConfig(
                    f"callbacks.early_stopping.{name}={value} must be at least {least}"
                )
        self.patience, self.window, self.tolerance = patience, window, tolerance
        self._last: deque[float] = deque(maxlen=window)
        self._best = math.inf
        self._waited = 0

    def add(self, value: float) -> bool:
        """Whether it is enough with this value; NaN is never better."""
        self._last.append(value)
        if len(self._last) < self.window:
            return False
        mean = math.fsum(self._last) / self.window
        if mean < self._best - self.tolerance:
            self._best, self._waited = mean, 0
        else:
            self._waited += 1
        return self._waited >= self.patience

    def state(self) -> dict[str, Any]:
        """What it knows of the values so far, for one that goes on from them."""
        return {"last": list(self._last), "best": self._best, "waited": self._waited}

    def take(self, state: dict[str, Any]) -> None:
        """Go on from another one's `state()`."""
        self._last.extend(state["last"])
        self._best, self._waited = state["best"], state["waited"]


def last_checkpoint(folder: str | Path) -> Path | None:
    """Where a trial that was cut short goes on from; None where it begins.

    A trial has a folder of its own, which holds a checkpoint only if it ran before: its worker was
    preempted, or came to its time limit. One that this has cut in two is put aside, and the trial
    goes on from the best epoch.
    """
    for name in ("last.ckpt", "best.ckpt"):
        path = Path(folder) / "checkpoints" / name
        if not path.is_file():
            continue
        if _is_whole(path):
            return path
        log.warning("%s is damaged, as a crash leaves it: it is kept as %s.damaged", path, name)
        path.replace(path.with_name(f"{name}.damaged"))
    return None


def _is_whole(checkpoint: Path) -> bool:
    """A checkpoint is a zip archive, which holds a checksum of each of its parts."""
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, OSError, EOFError):
        return False


class Stopping(pl.Callback):
    """Ends a run whose metric no longer gets better; whether it diverged, the objective says.

    Args:
        monitor: the metric; any that the learner logs once an epoch.
        direction: `minimize` or `maximize`.
        stagnation: is told of every validation.

    Raises:
        InfeasibleConfig: there is no such metric.
    """

    def __init__(self, monitor: str, direction: str, stagnation: Stagnation) -> None:
        self.monitor, self.stagnation = monitor, stagnation
        self._sign = 1 if mode_of(direction, monitor) == "min" else -1
        self._validated = False

    def state_dict(self) -> dict[str, Any]:
        return self.stagnation.state()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.stagnation.take(state_dict)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        known = sorted({*getattr(pl_module, "scores", (self.monitor,)), "train/loss"})
        if self.monitor not in known:
            raise InfeasibleConfig(
                f"callbacks.early_stopping.monitor={self.monitor} is not a metric of this run; "
                f"choose one of: {', '.join(known)}"
            )

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._validated = True

    # when the training metrics of the epoch are complete, too
    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not self._validated or self.monitor not in trainer.callback_metrics:
            return
        self._validated = False
        if self.stagnation.add(self._sign * float(trainer.callback_metrics[self.monitor])):
            trainer.should_stop = True
            log.info("%s no longer gets better: this epoch is the last", self.monitor)


def early_stopping(
    monitor: str,
    direction: str,
    patience: int | None,
    window: int = 1,
    tolerance: float = 0.0,
) -> Stopping | None:
    """The callback, or nothing where `patience` is None; see `Stopping` and `Stagnation`."""
    if patience is None:
        return None
    return Stopping(monitor, direction, Stagnation(patience, window, tolerance))
