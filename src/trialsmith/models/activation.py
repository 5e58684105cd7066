"""SiLU(Norm(x)) of rows that come in chunks, with a backward of its own.

Written out in plain torch, every step of norm and activation reads and writes the whole of x. Here
x is read once to know its statistics and once to be activated, and as often backwards.
"""

from abc import ABC, abstractmethod

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from trialsmith.errors import InfeasibleConfig
from trialsmith.models import kernels
from trialsmith.models.norm import LayerNorm, Norm, WeightedBatchNorm
from trialsmith.models.shares import bounds_of, shares_of

Rows = Float[np.ndarray, "rows features"]
RowsOrNone = Float[np.ndarray, "_ _"]  # none where there is no activation
Bounds = Int[np.ndarray, "chunks_and_end"]
Sums = Float[Tensor, "2 shares features"]  # towards γ̄ and β̄, of each share
# Types of numbers that numpy does not have, or no kernel, by Lightning's word for a model of them.
_TOO_SHORT = {torch.bfloat16: "bf16-true", torch.float16: "16-true"}


def chunked_activation(norm: Norm, multiplicity: Float[Tensor, "members"]) -> "Activation":
    """What computes ``silu(norm(x, multiplicity))`` in chunks.

    Raises:
        InfeasibleConfig: the norm is in half precision.
    """
    precision = _TOO_SHORT.get(norm.weight.dtype)
    if precision is not None:
        raise InfeasibleConfig(
            f"trainer.precision={precision} keeps the whole model in half precision, which the "
            "loops for CPUs do not know: use bf16-mixed, which computes products so, or 32-true"
        )
    if isinstance(norm, WeightedBatchNorm):
        return BatchNormActivation(norm, multiplicity)
    if isinstance(norm, LayerNorm):
        return LayerNormActivation(norm)
    raise TypeError(f"{type(norm).__name__} has no chunked form")


class Activation(ABC):
    """SiLU(Norm(x)) of each chunk: at once, or after every chunk was observed and the statistics
    are settled.
    """

    at_once: bool  # whether a kernel can activate a chunk as it comes

    @abstractmethod
    def begin(self, chunks: int, rows: int) -> kernels.Norming:
        """What kernels do with chunks as they come, of so many rows: activate or observe them."""

    def settle(self) -> kernels.Norming:
        """How kernels activate chunks, all of which were observed."""
        raise NotImplementedError("chunks are activated as they come")

    @abstractmethod
    def backwards(
        self, dz: RowsOrNone, x: Rows, bounds: Bounds, shares: int
    ) -> tuple[kernels.NormingBack, Sums]:
        """How kernels add x̄ to what else there is, and where they sum up, for each of so many
        shares, what γ̄ and β̄ have of them.

        Args:
            dz: z̄, the loss's derivative by SiLU.
            bounds: of the chunks.
        """

    @abstractmethod
    def parameters(
        self, sums: Sums
    ) -> tuple[Float[Tensor, "features"] | None, Float[Tensor, "features"] | None]:
        """γ̄ and β̄ from the sums of all shares."""


class BatchNormActivation(Activation):
    """With y = γ x̂ + β, x̂ = (x - μ) / √(σ² + ε), multiplicities wₙ and W = Σₙ wₙ,

        ȳ = z̄ SiLU'(y),   β̄ = Σₙ ȳ,   γ̄ = Σₙ ȳ x̂
        x̄ₙ = γ / √(σ² + ε) (ȳₙ - wₙ / W (β̄ + x̂ₙ γ̄))

    without the last term in evaluation, where μ and σ are the running ones. What is summed up is
    Σ ȳ (x - μ) and Σ ȳ.
    """

    def __init__(self, norm: WeightedBatchNorm, multiplicity: Float[Tensor, "members"]) -> None:
        self._norm = norm
        self._total = multiplicity.sum()
        share = multiplicity / self._total if norm.training else torch.zeros_like(multiplicity)
        self._share = share.numpy()
        self.at_once = not norm.training

    def begin(self, chunks: int, rows: int) -> kernels.Norming:
        norm = self._norm
        if self.at_once:
            return self._settled(norm.running_mean, norm.running_var)
        like = norm.running_mean.numpy()
        self._totals = np.zeros(chunks, like.dtype)
        self._means = np.zeros((chunks, len(like)), like.dtype)
        self._spreads = np.zeros_like(self._means)
        moments = {"totals": self._totals, "means": self._means, "spreads": self._spreads}
        return kernels.step(kernels.Norming, like, share=self._share, **moments)

    def settle(self) -> kernels.Norming:
        norm = self._norm
        if not self._totals.any():  # there are no rows at all
            return self._settled(norm.running_mean, norm.running_var)
        moments = _joined(self._totals, self._means, self._spreads)
        mean, variance = (torch.from_numpy(moment) for moment in moments)
        norm.remember(mean, variance, self._total)
        return self._settled(mean, variance)

    def _settled(self, mean: Tensor, variance: Tensor) -> kernels.Norming:
        norm = self._norm
        self._mean, self._inverse = mean.clone(), torch.rsqrt(variance + norm.eps)
        scale = norm.weight.detach() * self._inverse
        shift = norm.bias.detach() - mean * scale
        self._line = {"scale": scale.numpy(), "shift": shift.numpy()}
        return kernels.step(kernels.Norming, self._share, **self._line)

    def backwards(
        self, dz: RowsOrNone, x: Rows, bounds: Bounds, shares: int
    ) -> tuple[kernels.NormingBack, Sums]:
        all_ = shares_of(len(bounds) - 1)
        sums = _sums(len(all_), self._mean)
        moment, total = sums.numpy()
        line = self._line["scale"], self._line["shift"], self._mean.numpy()
        kernels.collect(bounds_of(all_), bounds, dz, x, line, total, moment)
        sums = sums.sum(1, keepdim=True)
        slope = sums[0, 0] * self._inverse.square()
        constant = sums[1, 0] - self._mean * slope
        common = {"share": self._share, "constant": constant.numpy(), "slope": slope.numpy()}
        return kernels.step(kernels.NormingBack, self._share, **self._line, **common), sums

    def parameters(self, sums: Sums) -> tuple[Tensor, Tensor]:
        ((moment,), (total,)) = sums
        return moment * self._inverse, total


class LayerNormActivation(Activation):
    """Each row by itself: nothing to observe, and nothing to collect before x̄ is had."""

    at_once = True

    def __init__(self, norm: LayerNorm) -> None:
        self._weight, bias = norm.weight.detach(), norm.bias.detach()
        self._line = {"gamma": self._weight.numpy(), "beta": bias.numpy()}

    def begin(self, chunks: int, rows: int) -> kernels.Norming:
        gamma = self._line["gamma"]
        self._rows = {name: np.empty(rows, gamma.dtype) for name in ("row_means", "row_inverses")}
        eps = gamma.dtype.type(1e-5)
        return kernels.step(kernels.Norming, gamma, **self._line, **self._rows, eps=eps)

    def backwards(
        self, dz: RowsOrNone, x: Rows, bounds: Bounds, shares: int
    ) -> tuple[kernels.NormingBack, Sums]:
        sums = _sums(shares, self._weight)
        into = dict(zip(("dgamma", "dbeta"), sums.numpy(), strict=True))
        known = self._line | self._rows
        return kernels.step(kernels.NormingBack, known["gamma"], **known, **into), sums

    def parameters(self, sums: Sums) -> tuple[Tensor, Tensor]:
        dgamma, dbeta = sums.sum(1).unbind()
        return dgamma, dbeta


class NoActivation(Activation):
    """Of links that stay as they are."""

    at_once = True

    def __init__(self, like: Tensor) -> None:
        self._like = like

    def begin(self, chunks: int, rows: int) -> kernels.Norming:
        return kernels.step(kernels.Norming, self._like.numpy())

    def backwards(
        self, dz: RowsOrNone, x: Rows, bounds: Bounds, shares: int
    ) -> tuple[kernels.NormingBack, Sums]:
        return kernels.step(kernels.NormingBack, x), _sums(0, self._like)

    def parameters(self, sums: Sums) -> tuple[None, None]:
        return None, None


def _sums(shares: int, like: Float[Tensor, "... features"]) -> Sums:
    return like.new_zeros(2, shares, like.shape[-1])


def _joined(
    shares: Float[np.ndarray, "chunks"],
    means: Float[np.ndarray, "chunks features"],
    spreads: Float[np.ndarray, "chunks features"],
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of all from each chunk's share, mean and spread about its own mean.

    T. F. Chan, G. H. Golub, R. J. LeVeque, Am. Stat. 37, 242 (1983).
    """
    mean = shares @ means
    return mean, spreads.sum(0) + shares @ (means - mean) ** 2
