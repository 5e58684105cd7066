"""Normalisation over the members of a graph that may stand for several equal ones."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from trialsmith.errors import InfeasibleConfig


class Norm(nn.Module, ABC):
    """Normalises features, knowing how many members of the full graph each row stands for."""

    weight: nn.Parameter
    bias: nn.Parameter

    @abstractmethod
    def forward(
        self, x: Float[Tensor, "members features"], multiplicity: Float[Tensor, "members"]
    ) -> Float[Tensor, "members features"]: ...


class WeightedBatchNorm(Norm):
    """Batch normalisation of the full graph, computed from one representative of each class.

        μ = Σₙ wₙ xₙ / W,   σ² = Σₙ wₙ (xₙ - μ)² / W,   y = γ (x - μ) / √(σ² + ε) + β

    with multiplicities wₙ and W = Σₙ wₙ. With all wₙ = 1 it is ``nn.BatchNorm1d``, running
    statistics included: those keep the unbiased variance, W/(W - 1) σ². (S. Ioffe, C. Szegedy,
    arXiv 1502.03167.)

    Differs from ``nn.BatchNorm1d`` in a batch of a single member (W = 1): that raises; this
    normalises to β and keeps zero as the variance, so that a last batch of one crystal of one
    atom does not end a training.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, features: int, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(
        self, x: Float[Tensor, "members features"], multiplicity: Float[Tensor, "members"]
    ) -> Float[Tensor, "members features"]:
        # like torch's own, it keeps full precision where products are in bfloat16
        with torch.autocast(x.device.type, enabled=False):
            return self._normalise(x.to(self.weight.dtype), multiplicity)

    def _normalise(self, x: Tensor, multiplicity: Tensor) -> Tensor:
        if not self.training:
            scale = self.weight * torch.rsqrt(self.running_var + self.eps)
            return torch.addcmul(self.bias - self.running_mean * scale, x, scale)
        if len(x) == 0:  # crystals whose bonds make no angles teach nothing about angles
            return x + 0 * (self.weight + self.bias)
        total = multiplicity.sum()
        share = multiplicity / total
        mean = share @ x
        centred = x - mean
        variance = share @ centred.square()
        self.remember(mean, variance, total)
        return torch.addcmul(self.bias, centred, self.weight * torch.rsqrt(variance + self.eps))

    @torch.no_grad()
    def remember(
        self, mean: Float[Tensor, "features"], variance: Float[Tensor, "features"], total: Tensor
    ) -> None:
        """Takes a batch of ``total`` members into the running statistics."""
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * total / (total - 1).clamp(min=1), self.momentum)


class LayerNorm(Norm):
    """Layer normalisation: each member by itself, whatever it stands for."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features))
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(
        self, x: Float[Tensor, "members features"], multiplicity: Float[Tensor, "members"]
    ) -> Float[Tensor, "members features"]:
        return layer_norm(x, self.weight.shape, self.weight, self.bias)


NORMS: dict[str, type[WeightedBatchNorm] | type[LayerNorm]] = {
    "batch": WeightedBatchNorm,
    "layer": LayerNorm,
}


def make_norm(name: str, features: int) -> Norm:
    """The norm of that name, ``batch`` or ``layer``.

    Raises:
        InfeasibleConfig: there is no norm of that name.
    """
    if name not in NORMS:
        raise InfeasibleConfig(f"model.norm={name} is unknown: choose {' or '.join(NORMS)}")
    return NORMS[name](features)
