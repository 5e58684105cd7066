"""Targets on a common scale, for the loss."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Standardiser:
    """z = (y − mean) / std, of each target; fitted on the training split only."""

    mean: Float[Tensor, "targets"]
    std: Float[Tensor, "targets"]

    @classmethod
    def fit(cls, values: Float[Tensor, "crystals targets"]) -> "Standardiser":
        """The mean and the standard deviation (over n, not n − 1) of the values.

        A target that does not vary keeps its unit: its std is taken as one.
        """
        values = values.double()  # sums of thousands of single-precision numbers lose digits
        std, mean = torch.std_mean(values, dim=0, correction=0)
        varies = std > 1e-6 * mean.abs().clamp(min=1e-30)
        std = torch.where(varies, std, torch.ones_like(std))
        return cls(mean.float(), std.float())

    def __call__(
        self, values: Float[Tensor, "crystals targets"]
    ) -> Float[Tensor, "crystals targets"]:
        """Standardised values."""
        return (values - self.mean) / self.std

    def inverse(
        self, values: Float[Tensor, "crystals targets"]
    ) -> Float[Tensor, "crystals targets"]:
        """Values in the targets' own units."""
        return values * self.std + self.mean


@dataclass(frozen=True)
class Classes:
    """The target is the number of one of `count` classes: there is nothing to scale."""

    count: int
