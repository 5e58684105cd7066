"""From what a graph stores to features as wide as the network."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import threshold

from trialsmith.models.linear import Linear
from trialsmith.models.norm import make_norm
from trialsmith.models.normalised_silu import normalised_silu
from trialsmith.models.products import Repeated

_FAR = 70.0  # e⁻⁷⁰ = 4e-31


class Embedding(nn.Module):
    """SiLU(Norm(W x))."""

    def __init__(
        self, in_features: int, out_features: int, norm: str, linear: type[nn.Linear] = Linear
    ) -> None:
        super().__init__()
        self.linear = linear(in_features, out_features)
        self.norm = make_norm(norm, out_features)

    def forward(
        self, x: Float[Tensor, "members in"], multiplicity: Float[Tensor, "members"]
    ) -> Float[Tensor, "members out"]:
        return normalised_silu(self.norm, self.linear(x), multiplicity)


class NumberEmbedding(nn.Module):
    """A length or a cosine: Gaussians, then two embeddings.

    Args:
        limits: where the first and the last Gaussian stand.
        count: number of Gaussians.
        widths: of the two embeddings.
        norm: ``batch`` or ``layer``.
    """

    def __init__(
        self, limits: tuple[float, float], count: int, widths: tuple[int, int], norm: str
    ) -> None:
        super().__init__()
        self.basis = GaussianBasis(*limits, count)
        self.narrow = Embedding(count, widths[0], norm)
        self.wide = Embedding(*widths, norm)

    def forward(
        self, x: Float[Tensor, "members"], multiplicity: Float[Tensor, "members"]
    ) -> Float[Tensor, "members features"]:
        return self.wide(self.narrow(self.basis(x), multiplicity), multiplicity)

    def of_distinct(
        self, x: Float[Tensor, "members"], multiplicity: Float[Tensor, "members"]
    ) -> Repeated:
        """The same features, computed once for all members of equal numbers."""
        distinct, rows = _distinct(x)
        total = multiplicity.new_zeros(len(distinct)).index_add(0, rows, multiplicity)
        return Repeated(self(distinct, total), rows)


def _distinct(
    x: Float[Tensor, "members"],
) -> tuple[Float[Tensor, "distinct"], Int[Tensor, "members"]]:
    """Distinct numbers, and for each member the one that it has.

    They stand as they first come, so that what one crystal needs lies together in memory.
    """
    values, rows = torch.unique(x, return_inverse=True)
    place = torch.arange(len(x), device=x.device)
    first = torch.full_like(values, len(x), dtype=place.dtype)
    order = first.scatter_reduce(0, rows, place, "amin").argsort()
    rank = torch.empty_like(order).scatter(0, order, place[: len(order)])
    return values[order], rank[rows]


class GaussianBasis(nn.Module):
    """``exp(-γ (x - cₖ)²)`` for ``count`` centres cₖ spread evenly over [low, high].

    γ is one over the spacing of the centres, as in the published ALIGNN; a Gaussian as wide as
    the spacing would have one over its square.
    """

    centres: Tensor

    def __init__(self, low: float, high: float, count: int) -> None:
        super().__init__()
        self.register_buffer("centres", torch.linspace(low, high, count), persistent=False)
        self.gamma = (count - 1) / (high - low)

    def forward(self, x: Float[Tensor, "members"]) -> Float[Tensor, "members centres"]:
        exponent = self.gamma * (x.unsqueeze(1) - self.centres).square()
        # What is nothing beside the others is zero: making numbers below 1e-38 and multiplying
        # with them takes many times as long.
        return threshold(torch.exp(-exponent.clamp(max=_FAR)), 2 * math.exp(-_FAR), 0.0)
