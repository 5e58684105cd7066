"""How any model here is trained: the only LightningModule. Its parts are handed in."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import lightning.pytorch as pl
from torch import Tensor, nn
from torch.optim import Optimizer

from trialsmith.losses import WeightedMSE
from trialsmith.readout import Counted, Scaler, readout_of


@runtime_checkable
class Batch(Protocol):
    """What a learner needs to know of a batch; the model knows the rest."""

    target: Tensor

    def __len__(self) -> int: ...


@runtime_checkable
class WithAuxiliaryLoss(Protocol):
    """A model that can ask for something beside good predictions."""

    def with_auxiliary_loss(self, batch: Any) -> tuple[Tensor, Tensor | None]:
        """Its predictions, and what is added to their loss in training; None: nothing."""


class Learner(pl.LightningModule):
    """Trains `model` and scores it on the validation split.

    Numbers are trained on standardised, and predicted and scored in the targets' own units;
    classes are trained on by their numbers, predicted by their probabilities, and scored by
    accuracy and F1. Which it is, the scaler says; see `trialsmith.readout`.

    Args:
        model: from a batch to (samples, targets), in standardised units, or (samples, classes).
        loss: from what the model gives and what is wanted of it to a number.
        optimizer: from parameters to an optimizer.
        schedule: from an optimizer and the number of steps to a Lightning scheduler.
        scaler: μ and σ, each (targets,), or how many classes there are.
    """

    def __init__(
        self,
        model: nn.Module,
        loss: nn.Module,
        optimizer: Callable[..., Optimizer],
        schedule: Callable[[Optimizer, int], dict[str, Any]],
        scaler: Scaler | Counted,
    ) -> None:
        super().__init__()
        self.model = model
        self.loss = loss
        self._optimizer = optimizer
        self._schedule = schedule
        self.readout = readout_of(scaler)
        self.val_metrics = self.readout.metrics()

    @property
    def scores(self) -> tuple[str, ...]:
        """The metrics that can be monitored; a weighted loss cannot, for its weights may vary."""
        loss = () if isinstance(self.loss, WeightedMSE) else ("val/loss",)
        return (*loss, *(f"val/{name}" for name in self.val_metrics))

    def forward(self, batch: Any) -> Tensor:
        """Predictions (samples, targets) in the targets' own units, or (samples, classes)."""
        return self.readout.predicted(self.model(batch))

    def training_step(self, batch: Any, index: int) -> Tensor:
        output, auxiliary = self._train(batch)
        loss = self.loss(output, self.readout.wanted(batch.target))
        self._log_training("train/loss", loss, len(batch))
        if auxiliary is None:
            return loss
        self._log_training("train/auxiliary_loss", auxiliary, len(batch))
        return loss + auxiliary

    def validation_step(self, batch: Any, index: int) -> None:
        output, wanted = self.model(batch), self.readout.wanted(batch.target)
        self.log("val/loss", self.loss(output, wanted), batch_size=len(batch))
        self.val_metrics.update(_of_one_target(output.float()), _of_one_target(wanted))

    def on_validation_epoch_end(self) -> None:
        for name, value in self.readout.scores(self.val_metrics).items():
            self.log(f"val/{name}", value)
        self.val_metrics.reset()

    def predict_step(self, batch: Any, index: int) -> tuple[list[str], Tensor, Tensor]:
        """The samples' ids, predictions as `forward` gives them, and true values or classes."""
        return batch.ids, self(batch), batch.target

    def configure_optimizers(self) -> Any:
        optimizer = self._optimizer(self.model.parameters())
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = self._schedule(optimizer, steps)
        if "monitor" in schedule:  # it can only be looked at where there was a validation
            schedule.setdefault("frequency", self.trainer.check_val_every_n_epoch or 1)
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    def _train(self, batch: Any) -> tuple[Tensor, Tensor | None]:
        if isinstance(self.model, WithAuxiliaryLoss):
            return self.model.with_auxiliary_loss(batch)
        return self.model(batch), None

    def _log_training(self, name: str, loss: Tensor, samples: int) -> None:
        self.log(name, loss, on_step=False, on_epoch=True, batch_size=samples)


def _of_one_target(values: Tensor) -> Tensor:
    """Numbers of a single target as torchmetrics wants them, (samples,).

    Classes have this shape already, and a single sample's would lose it.
    """
    return values.squeeze(-1) if values.ndim == 2 else values
