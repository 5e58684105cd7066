"""SiLU(Norm(x)) of rows that come in chunks, with a backward of its own.

Written out in plain torch, every step of norm and activation reads and writes the whole of x. Here
x is read once to know its statistics and once to be activated, and as often backwards.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from trialsmith.errors import InfeasibleConfig
from trialsmith.models import kernels
from trialsmith.models.norm import LayerNorm, Norm, WeightedBatchNorm
from trialsmith.models.shares import in_shares, rows_of, shares_of, summed

Rows = Float[np.ndarray, "rows features"]
# values, and for each row of a chunk the one that it has
Indexed = tuple[Float[np.ndarray, "values features"], Int[np.ndarray, "rows"]]
Sums = tuple[Tensor, ...]  # towards γ̄ and β̄
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


class Collected(NamedTuple):
    """What x̄ of any row asks of all the others."""

    sums: Sums
    line: tuple[np.ndarray, ...]  # made of them


class Activation(ABC):
    """SiLU(Norm(x)) of each chunk: at once, or after every chunk was observed and the statistics
    are settled.

    Backwards, from z̄, the loss's derivative by SiLU: what is asked of all chunks is collected, then
    x̄ is had. The derivatives by γ and β gather in accumulators, of which every share has its own,
    in the first of the two passes or in the second.
    """

    at_once: bool  # whether a kernel can activate a chunk as it comes

    def begin(self, chunks: int) -> None:
        """Before any chunk comes."""
        return

    @abstractmethod
    def forwards(self, some: range) -> kernels.LinkNorm:
        """What a kernel does with some chunks as they come: it activates or observes them."""

    @abstractmethod
    def backwards(self, of_all: Collected, into: Sums) -> kernels.LinkNormBack:
        """How a kernel adds x̄ to what else there is."""

    def observe(self, chunk: int, x: Rows, rows: slice) -> None:
        """Takes a chunk into the statistics, if there are any."""
        return

    def settle(self) -> None:
        """Makes the statistics of all that was observed."""
        return

    @abstractmethod
    def add(self, e: Indexed, x: Rows, out: Rows) -> None:
        """Writes e + SiLU(Norm(x)) of some rows to ``out``."""

    @abstractmethod
    def accumulators(self) -> Sums:
        """Zeros, for γ̄ and β̄ from some of the chunks."""

    @abstractmethod
    def collected(self, dz: Rows, x: Rows, chunks: Sequence[slice]) -> Collected:
        """From all chunks, before any of them is differentiated."""

    @abstractmethod
    def differentiate(
        self, dz: Rows, x: Rows, rows: slice, of_all: Collected, into: Sums, dx: Rows
    ) -> None:
        """Adds x̄ of some rows to ``dx``."""

    @abstractmethod
    def parameters(self, sums: Sums) -> Sums:
        """γ̄ and β̄ from all accumulators."""


class BatchNormActivation(Activation):
    """With y = γ x̂ + β, x̂ = (x - μ) / √(σ² + ε), multiplicities wₙ and W = Σₙ wₙ,

        ȳ = z̄ SiLU'(y),   β̄ = Σₙ ȳ,   γ̄ = Σₙ ȳ x̂
        x̄ₙ = γ / √(σ² + ε) (ȳₙ - wₙ / W (β̄ + x̂ₙ γ̄))

    without the last term in evaluation, where μ and σ are the running ones. What is accumulated is
    Σ ȳ (x - μ) and Σ ȳ.
    """

    at_once = False

    def __init__(self, norm: WeightedBatchNorm, multiplicity: Float[Tensor, "members"]) -> None:
        self._norm = norm
        self._total = multiplicity.sum()
        share = multiplicity / self._total if norm.training else torch.zeros_like(multiplicity)
        self._share = share.numpy()

    def begin(self, chunks: int) -> None:
        like = self._norm.running_mean.numpy()
        self._totals = np.zeros(chunks, like.dtype)
        self._means = np.zeros((chunks, len(like)), like.dtype)
        self._spreads = np.zeros_like(self._means)

    def forwards(self, some: range) -> kernels.LinkNorm:
        if not self._norm.training:
            return kernels.step(kernels.LinkNorm, self._share)
        here = slice(some.start, some.stop)
        return kernels.step(
            kernels.LinkNorm,
            self._share,
            share=self._share,
            totals=self._totals[here],
            means=self._means[here],
            spreads=self._spreads[here],
        )

    def backwards(self, of_all: Collected, into: Sums) -> kernels.LinkNormBack:
        constant, slope = of_all.line
        line = {"scale": self._scale, "shift": self._shift, "constant": constant, "slope": slope}
        return kernels.step(kernels.LinkNormBack, self._share, share=self._share, **line)

    def observe(self, chunk: int, x: Rows, rows: slice) -> None:
        if self._norm.training:
            moments = self._means[chunk], self._spreads[chunk]
            self._totals[chunk] = kernels.moments(x, self._share[rows], *moments)

    def settle(self) -> None:
        norm = self._norm
        mean, variance = norm.running_mean, norm.running_var
        if self._totals.any():  # not in evaluation, nor where there are no rows at all
            moments = _joined(self._totals, self._means, self._spreads)
            mean, variance = (torch.from_numpy(moment) for moment in moments)
            norm.remember(mean, variance, self._total)
        self._mean, self._inverse = mean.clone(), torch.rsqrt(variance + norm.eps)
        scale = norm.weight.detach() * self._inverse
        shift = norm.bias.detach() - mean * scale
        self._scale, self._shift = scale.numpy(), shift.numpy()

    def add(self, e: Indexed, x: Rows, out: Rows) -> None:
        kernels.add_normalised(*e, x, self._scale, self._shift, out)

    def accumulators(self) -> Sums:
        return torch.zeros_like(self._mean), torch.zeros_like(self._mean)

    def collected(self, dz: Rows, x: Rows, chunks: Sequence[slice]) -> Collected:
        line = self._scale, self._shift, self._mean.numpy()

        def collect(share: range) -> Sums:
            sums = self.accumulators()
            moment, total = (each.numpy() for each in sums)
            rows = rows_of(share, chunks)
            kernels.collect_sums(dz[rows], x[rows], *line, total, moment)
            return sums

        moment, total = summed(in_shares(shares_of(len(chunks)), collect))
        slope = moment * self._inverse.square()
        constant = total - self._mean * slope
        return Collected((moment, total), (constant.numpy(), slope.numpy()))

    def differentiate(
        self, dz: Rows, x: Rows, rows: slice, of_all: Collected, into: Sums, dx: Rows
    ) -> None:
        common = self._share[rows], *of_all.line
        kernels.differentiate_normalised(dz, x, self._scale, self._shift, *common, dx)

    def parameters(self, sums: Sums) -> Sums:
        moment, total = sums
        return moment * self._inverse, total


class LayerNormActivation(Activation):
    """Each row by itself: nothing to observe, and nothing to collect before x̄ is had."""

    at_once = True

    def __init__(self, norm: LayerNorm) -> None:
        self._weight, self._bias = norm.weight.detach().numpy(), norm.bias.detach().numpy()
        self._eps = self._weight.dtype.type(1e-5)

    def forwards(self, some: range) -> kernels.LinkNorm:
        return kernels.step(kernels.LinkNorm, self._weight, **self._line)

    def backwards(self, of_all: Collected, into: Sums) -> kernels.LinkNormBack:
        dgamma, dbeta = (sums.numpy() for sums in into)
        line = {**self._line, "dgamma": dgamma, "dbeta": dbeta}
        return kernels.step(kernels.LinkNormBack, self._weight, **line)

    @property
    def _line(self) -> dict[str, Any]:
        return {"gamma": self._weight, "beta": self._bias, "eps": self._eps}

    def add(self, e: Indexed, x: Rows, out: Rows) -> None:
        kernels.add_layer_normalised(*e, x, self._weight, self._bias, self._eps, out)

    def accumulators(self) -> Sums:
        zeros = torch.from_numpy(np.zeros_like(self._weight))
        return zeros, zeros.clone()

    def collected(self, dz: Rows, x: Rows, chunks: Sequence[slice]) -> Collected:
        return Collected(self.accumulators(), ())  # no row asks for the others

    def differentiate(
        self, dz: Rows, x: Rows, rows: slice, of_all: Collected, into: Sums, dx: Rows
    ) -> None:
        norm = self._weight, self._bias, self._eps
        kernels.differentiate_layer_normalised(dz, x, *norm, dx, *(sums.numpy() for sums in into))

    def parameters(self, sums: Sums) -> Sums:
        return sums


class NoActivation(Activation):
    """Of links that stay as they are."""

    at_once = True

    def __init__(self, like: Rows) -> None:
        self._like = like

    def forwards(self, some: range) -> kernels.LinkNorm:
        return kernels.step(kernels.LinkNorm, self._like)

    def backwards(self, of_all: Collected, into: Sums) -> kernels.LinkNormBack:
        return kernels.step(kernels.LinkNormBack, self._like)

    def add(self, e: Indexed, x: Rows, out: Rows) -> None:
        """Nothing."""

    def accumulators(self) -> Sums:
        return ()

    def collected(self, dz: np.ndarray, x: Rows, chunks: Sequence[slice]) -> Collected:
        return Collected((), ())

    def differentiate(
        self, dz: Rows, x: Rows, rows: slice, of_all: Collected, into: Sums, dx: Rows
    ) -> None:
        """Nothing."""

    def parameters(self, sums: Sums) -> Sums:
        return ()


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
