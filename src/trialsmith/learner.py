"""How any model here is trained: the only LightningModule. Its parts are handed in."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import lightning.pytorch as pl
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from trialsmith.metrics import defined, regression


@runtime_checkable
class Batch(Protocol):
    """What a learner needs to know of a batch; the model knows the rest."""

    target: Tensor

    def __len__(self) -> int: ...


@runtime_checkable
class Scaler(Protocol):
    """Mean and standard deviation of each target over the training split."""

    mean: Tensor
    std: Tensor


class Learner(pl.LightningModule):
    """Trains `model` on standardised targets and scores it in the targets' own units.

    The loss sees z = (y − μ) / σ with μ and σ of the training split; the model predicts ẑ and the
    metrics compare μ + σẑ with y. μ and σ are kept in the checkpoint, so that a trained model
    speaks the target's unit wherever it is loaded.

    `val/mae`, `val/rmse` and `val/r2` are in the target's own unit. Of several targets they are the
    mean over the targets of error/σ and of R²: every target counts alike, whatever its unit.

    Args:
        model: from a batch to (samples, targets), in standardised units.
        loss: from (prediction, target), both (samples, targets), to a number.
        optimizer: from parameters to an optimizer.
        schedule: from an optimizer and the number of steps to a Lightning scheduler.
        scaler: μ and σ, each (targets,).
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        model: nn.Module,
        loss: nn.Module,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[[Optimizer, int], dict[str, Any]],
        scaler: Scaler,
    ) -> None:
        super().__init__()
        self.model = model
        self.loss = loss
        self._optimizer = optimizer
        self._schedule = schedule
        self.register_buffer("mean", torch.as_tensor(scaler.mean, dtype=torch.float32).clone())
        self.register_buffer("std", torch.as_tensor(scaler.std, dtype=torch.float32).clone())
        self.val_metrics = regression(outputs=len(self.mean))

    @property
    def scores(self) -> tuple[str, ...]:
        """The metrics that can be monitored."""
        return ("val/loss", *(f"val/{name}" for name in self.val_metrics))

    def forward(self, batch: Any) -> Float[Tensor, "samples targets"]:
        """Predictions in the targets' own units."""
        return self.mean + self.std * self.model(batch)

    def training_step(self, batch: Any, index: int) -> Tensor:
        loss = self.loss(self.model(batch), self._standardised(batch))
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=len(batch))
        return loss

    def validation_step(self, batch: Any, index: int) -> None:
        output = self.model(batch)
        loss = self.loss(output, self._standardised(batch))
        self.log("val/loss", loss, batch_size=len(batch))
        predicted = self.mean + self.std * output
        self.val_metrics.update(predicted.squeeze(-1), batch.target.squeeze(-1))

    def on_validation_epoch_end(self) -> None:
        metrics = defined(self.val_metrics)
        self.val_metrics.reset()
        for name, value in metrics.items():
            if len(self.std) > 1 and name != "r2":
                # eV and GPa have no mean: errors of several targets are told in their own σ
                value = value / self.std
            self.log(f"val/{name}", value.mean())

    def predict_step(self, batch: Any, index: int) -> tuple[list[str], Tensor, Tensor]:
        """The samples' ids, predictions and true values, both (samples, targets)."""
        return batch.ids, self(batch), batch.target

    def configure_optimizers(self) -> Any:
        optimizer = self._optimizer(self.model.parameters())
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = self._schedule(optimizer, steps)
        if "monitor" in schedule:  # it can only be looked at where there was a validation
            schedule.setdefault("frequency", self.trainer.check_val_every_n_epoch or 1)
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    def _standardised(self, batch: Batch) -> Tensor:
        return (batch.target - self.mean) / self.std
