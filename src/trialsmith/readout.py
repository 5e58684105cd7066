"""What a model's outputs mean: to the loss, to the reader, and for the score."""

from abc import ABC, abstractmethod
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torchmetrics import MetricCollection

from trialsmith.metrics import classification, defined, in_units, regression


@runtime_checkable
class Scaler(Protocol):
    """Mean and standard deviation of each target over the training split."""

    mean: Tensor
    std: Tensor


@runtime_checkable
class Counted(Protocol):
    """So many classes, of which the target is one."""

    count: int


class Readout(nn.Module, ABC):
    """Between a model's outputs and the targets."""

    @abstractmethod
    def wanted(self, target: Any) -> Any:
        """What the loss compares the outputs with."""

    @abstractmethod
    def predicted(self, output: Any) -> Any:
        """What a reader is told."""

    @abstractmethod
    def metrics(self) -> MetricCollection:
        """What compares outputs with what is wanted of them, accumulated over batches."""

    @abstractmethod
    def scores(self, metrics: MetricCollection) -> dict[str, Tensor]:
        """One number for each metric that is defined."""


class Numbers(Readout):
    """Outputs are z = (y − μ) / σ, with μ and σ of the training split.

    Scores of one target are in its unit. eV and GPa have no mean: of several targets they are the
    mean over the targets of error/σ, of squared error/σ² and of R², and every target counts alike.

    Args:
        scaler: μ and σ, each (targets,). They are kept in the checkpoint, so that a trained model
            speaks the targets' units wherever it is loaded.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, scaler: Scaler) -> None:
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(scaler.mean, dtype=torch.float32).clone())
        self.register_buffer("std", torch.as_tensor(scaler.std, dtype=torch.float32).clone())

    def wanted(self, target: Float[Tensor, "samples targets"]) -> Float[Tensor, "samples targets"]:
        """z."""
        return (target - self.mean) / self.std

    def predicted(
        self, output: Float[Tensor, "samples targets"]
    ) -> Float[Tensor, "samples targets"]:
        """μ + σ z."""
        return self.mean + self.std * output

    def metrics(self) -> MetricCollection:
        """MSE, MAE, RMSE and R² of each target, standardised."""
        return regression(len(self.mean))

    def scores(self, metrics: MetricCollection) -> dict[str, Tensor]:
        """MSE, MAE, RMSE and R², means over the targets."""
        errors = defined(metrics)
        if len(self.std) == 1:
            errors = in_units(errors, self.std)
        return {name: value.mean() for name, value in errors.items()}


class Categories(Readout):
    """Outputs are the logits of classes; the target is the number of one."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def wanted(self, target: Int[Tensor, "samples"]) -> Int[Tensor, "samples"]:
        """The class."""
        return target

    def predicted(
        self, output: Float[Tensor, "samples classes"]
    ) -> Float[Tensor, "samples classes"]:
        """The probability of each class."""
        return output.softmax(-1)

    def metrics(self) -> MetricCollection:
        """Accuracy and F1."""
        return classification(self.count)

    def scores(self, metrics: MetricCollection) -> dict[str, Tensor]:
        """Accuracy and F1."""
        return dict(metrics.compute())


def readout_of(scaler: Scaler | Counted) -> Readout:
    """Of numbers with their scale, or of classes."""
    return Numbers(scaler) if isinstance(scaler, Scaler) else Categories(scaler.count)
