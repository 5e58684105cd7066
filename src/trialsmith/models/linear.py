"""y = x Wᵀ + b, and its derivatives."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from trialsmith.models import kernels
from trialsmith.models.arrays import array
from trialsmith.models.autocast import outside_autocast
from trialsmith.models.factors import parts_of_factors
from trialsmith.models.shares import over_shares, rows_of_shares

_WORTH_PACKING = 100  # rows a part; with fewer, W takes longer to pack than to multiply with


class Linear(nn.Linear):
    """PyTorch's; where there is AMX kernels do it, but for few rows and in double precision: once
    differentiable, and unknown to `torch.func` and `torch.export`.
    """

    def forward(self, x: Tensor) -> Tensor:
        parts = parts_of_factors(x) if self._is_for_kernels(x) else 0
        if not parts or len(x) < parts * _WORTH_PACKING:
            return super().forward(x)
        return _Linear.apply(x, self.weight, self.bias, parts)

    def _is_for_kernels(self, x: Tensor) -> bool:
        """What is not is PyTorch's to compute or to refuse: kernels trust their arrays."""
        if not kernels.HAS_TILES or x.device.type != "cpu":
            return False
        fits = x.dim() == 2 and x.shape[1] == self.in_features
        types = {x.dtype, self.weight.dtype}
        cast = torch.is_autocast_enabled("cpu") and torch.float64 not in types
        return fits and (cast or len(types) == 1)


class LinearOfAtoms(Linear):
    """PyTorch's, but under autocast. Errors of high precision in atoms, which are few, would be
    10⁻⁵ of a prediction; those in bonds and angles cancel to 10⁻⁶.
    """

    def _is_for_kernels(self, x: Tensor) -> bool:
        return torch.is_autocast_enabled("cpu") and super()._is_for_kernels(x)


class _Linear(torch.autograd.Function):
    """(x, W, b) → y"""

    @staticmethod
    @outside_autocast
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, parts: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.parts = parts
        return mapped(x, weight, parts, bias)

    @staticmethod
    @once_differentiable
    @outside_autocast
    def backward(  # type: ignore[override]  # the decorators hide that it fits
        ctx: Any, *derivatives: Any
    ) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        (dy,) = derivatives
        found = derivatives_of(dy, x, weight, ctx.parts, ctx.needs_input_grad[0])
        asked = zip(found, ctx.needs_input_grad, strict=False)
        return *(each if needed else None for each, needed in asked), None


def mapped(
    x: Float[Tensor, "rows inputs"],
    weight: Float[Tensor, "outputs inputs"],
    parts: int,
    bias: Float[Tensor, "outputs"] | None = None,
) -> Float[Tensor, "rows outputs"]:
    """y, which nobody differentiates, with factors of so many parts."""
    y = x.new_empty(len(x), len(weight))
    b = x.new_zeros(len(weight)) if bias is None else bias
    given, written = [array(each) for each in (x, weight, b)], y.numpy()
    shares = rows_of_shares(_wider(given[0], written), len(x))
    kernels.map_rows(shares, *given, parts, written)
    return y


def derivatives_of(
    dy: Float[Tensor, "rows outputs"],
    x: Float[Tensor, "rows inputs"],
    weight: Float[Tensor, "outputs inputs"],
    parts: int,
    of_x: bool = True,
) -> tuple[Float[Tensor, "_ _"], Float[Tensor, "outputs inputs"], Float[Tensor, "outputs"]]:
    """x̄, empty if it is not asked for, W̄ and b̄."""
    # each share has a W̄: together they are to take no more than x and ȳ, but for two threads
    most = max(2, (x.numel() + dy.numel()) // max(1, weight.numel()))
    given = [array(each) for each in (dy, x, weight)]
    shares = rows_of_shares(_wider(*given[:2]), most)
    dx = x.new_empty(x.shape if of_x else (0, 0))
    dweight = x.new_empty(len(shares) - 1, *weight.shape)
    dbias = x.new_empty(len(shares) - 1, len(weight))
    written = (each.numpy() for each in (dx, dweight, dbias))
    kernels.differentiate_map(shares, *given, parts, *written)
    return dx, over_shares(dweight), dbias.sum(0)


def _wider(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return max(x, y, key=lambda each: each.shape[1])
