"""The score of a run, and the report of it to the trial that the run belongs to."""

import math
from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

import lightning.pytorch as pl
from optuna import TrialPruned

from trialsmith.direction import mode_of, told
from trialsmith.errors import Diverged, InfeasibleConfig


@runtime_checkable
class Trial(Protocol):
    """What a run needs of the search it belongs to."""

    def report(self, value: float, step: int) -> None: ...


class Objective(pl.Callback):
    """The score of a run: `monitor` at its best epoch (counted from 1), on the validation split.

    Not the last epoch's value, which depends on when the run happened to end. After every epoch
    with a validation the value goes to the trial, if there is one; the trial may answer by
    raising `optuna.TrialPruned`, which ends the run on every device.

    Raises:
        Diverged: the value is not a finite number.
        InfeasibleConfig: `monitor` is not among the metrics that the learner logs, `direction` is
            not the one in which it gets better, or no epoch was validated.
    """

    def __init__(self, monitor: str, direction: str, trial: Trial | None = None) -> None:
        self.monitor = monitor
        self.best: float = math.nan
        self.best_epoch: int | None = None
        self._sign = 1 if mode_of(direction, monitor) == "min" else -1
        self._trial = trial
        self._validated = False

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._validated = True

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best, self.best_epoch = state_dict["best"], state_dict["best_epoch"]

    # After validation and after the training metrics of the epoch are complete, so that a run
    # that is stopped here leaves a whole row of its history and its checkpoint.
    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not self._validated:
            return
        self._validated = False
        value, epoch = self._value(trainer), trainer.current_epoch + 1
        if self.best_epoch is None or self._sign * value < self._sign * self.best:
            self.best, self.best_epoch = value, epoch
        pl_module.log(f"best/{self.monitor}", self.best)
        self._report(trainer, value, trainer.current_epoch)

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # before the first epoch, which may take an hour
        known = getattr(pl_module, "scores", (self.monitor,))
        if self.monitor not in known:
            raise InfeasibleConfig(self._unknown(known))

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.best_epoch is None:
            raise InfeasibleConfig(
                f"no epoch was validated with trainer.max_epochs={trainer.max_epochs} and "
                f"trainer.check_val_every_n_epoch={trainer.check_val_every_n_epoch}: there is no "
                "score; raise the first"
            )

    def _unknown(self, known: Iterable[str]) -> str:
        return f"monitor={self.monitor} is not a metric of this run; choose one of: {told(known)}"

    def _value(self, trainer: pl.Trainer) -> float:
        metrics = trainer.callback_metrics
        if self.monitor not in metrics:
            raise InfeasibleConfig(self._unknown(metrics))
        value = float(metrics[self.monitor])
        if not math.isfinite(value):
            raise Diverged(
                f"{self.monitor} is {value} in epoch {trainer.current_epoch + 1}: the training "
                "diverged; lower optimizer.lr or set trainer.gradient_clip_val=1"
            )
        return value

    def _report(self, trainer: pl.Trainer, value: float, epoch: int) -> None:
        if self._trial is None:
            return
        pruned = False
        if trainer.is_global_zero:
            try:
                self._trial.report(value, step=epoch)
            except TrialPruned:
                pruned = True
        if trainer.strategy.broadcast(pruned):
            raise TrialPruned(f"pruned after epoch {epoch + 1}")
