"""y = x Wᵀ + b, and its derivatives."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from trialsmith.models import kernels
from trialsmith.models.factors import parts_of_factors
from trialsmith.models.shares import divided


class Linear(nn.Linear):
    """PyTorch's; where AMX multiplies faster, kernels do it, for rows of features and once
    differentiable.
    """

    def forward(self, x: Tensor) -> Tensor:
        parts = parts_of_factors(x) if self._is_for_kernels(x) else 0
        if not parts:
            return super().forward(x)
        return _Linear.apply(x, self.weight, self.bias, parts)

    def _is_for_kernels(self, x: Tensor) -> bool:
        """What is not is PyTorch's to compute or to refuse: kernels trust their arrays."""
        same_type = torch.is_autocast_enabled("cpu") or x.dtype == self.weight.dtype
        rows = x.dim() == 2 and x.shape[1] == self.in_features
        return kernels.HAS_TILES and x.device.type == "cpu" and rows and same_type


class _Linear(torch.autograd.Function):
    """(x, W, b) → y"""

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, parts: int) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.parts = parts
        return mapped(x, weight, parts, bias)

    @staticmethod
    @once_differentiable
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(  # type: ignore[override]  # the decorators hide that it fits
        ctx: Any, *derivatives: Any
    ) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        (dy,) = derivatives
        return *derivatives_of(dy, x, weight, ctx.parts, ctx.needs_input_grad[0]), None


def mapped(
    x: Float[Tensor, "rows inputs"],
    weight: Float[Tensor, "outputs inputs"],
    parts: int,
    bias: Float[Tensor, "outputs"] | None = None,
) -> Float[Tensor, "rows outputs"]:
    """y, which nobody differentiates, with factors of so many parts."""
    y = x.new_empty(len(x), len(weight))
    b = x.new_zeros(len(weight)) if bias is None else bias
    given = _shares(x, y), *map(_array, (x, weight, b))
    kernels.map_rows(*given, parts, y.numpy())
    return y


def derivatives_of(
    dy: Float[Tensor, "rows outputs"],
    x: Float[Tensor, "rows inputs"],
    weight: Float[Tensor, "outputs inputs"],
    parts: int,
    of_x: bool = True,
) -> tuple[Tensor | None, Float[Tensor, "outputs inputs"], Float[Tensor, "outputs"]]:
    """x̄, if it is asked for, W̄ and b̄."""
    shares = _shares(x, dy)
    dx = x.new_empty(x.shape if of_x else (0, 0))
    dweight = x.new_empty(len(shares) - 1, *weight.shape)
    dbias = x.new_empty(len(shares) - 1, len(weight))
    written = (each.numpy() for each in (dx, dweight, dbias))
    kernels.differentiate_map(shares, *map(_array, (dy, x, weight)), parts, *written)
    return dx if of_x else None, dweight.sum(0), dbias.sum(0)


def _shares(x: Tensor, y: Tensor) -> np.ndarray:
    """Where the rows of each thread begin."""
    bounds, shares = divided(_array(max(x, y, key=lambda each: each.shape[1])))
    return bounds[shares]


def _array(x: Tensor) -> np.ndarray:
    return x.detach().contiguous().numpy()
