"""SiLU(Norm(x)), the end of an embedding and of a member's update, in two passes over x."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import silu

from trialsmith.models import kernels
from trialsmith.models.activation import Activation, chunked_activation
from trialsmith.models.arrays import array
from trialsmith.models.autocast import outside_autocast
from trialsmith.models.norm import Norm
from trialsmith.models.shares import bounds_of, rows_of_a_chunk, shares_of


def normalised_silu(
    norm: Norm,
    x: Float[Tensor, "members features"],
    multiplicity: Float[Tensor, "members"],
    before: Tensor | None = None,
) -> Float[Tensor, "members features"]:
    """``before + silu(norm(x, multiplicity))``; on a CPU by compiled kernels, once differentiable.

    Args:
        before: of x's shape and type; None: nothing.

    Raises:
        ValueError: sizes that do not go together.
    """
    if x.device.type != "cpu":
        update = silu(norm(x, multiplicity))
        return update if before is None else before + update
    if x.shape != (len(multiplicity), len(norm.weight)):
        raise ValueError(
            f"x {tuple(x.shape)} does not go with {len(multiplicity)} multiplicities and a norm of "
            f"{len(norm.weight)} features"
        )
    if before is not None and before.shape != x.shape:
        raise ValueError(f"before {tuple(before.shape)} does not go with x {tuple(x.shape)}")
    activation = chunked_activation(norm, multiplicity)
    return _NormalisedSilu.apply(before, x, norm.weight, norm.bias, activation)


class _NormalisedSilu(torch.autograd.Function):
    """(what is before, x, γ, β) → before + SiLU(y); the equations are the activations'."""

    @staticmethod
    @outside_autocast
    def forward(
        ctx: Any,
        before: Tensor | None,
        x: Tensor,
        gamma: Tensor,
        beta: Tensor,
        activation: Activation,
    ) -> Float[Tensor, "members features"]:
        values = array(x)
        bounds = _bounds_of_chunks(values)
        shares = bounds_of(shares_of(len(bounds) - 1))
        if before is None:
            rows = np.zeros((1, values.shape[1]), values.dtype), np.zeros(len(values), np.int64)
        else:
            rows = array(before), np.arange(len(values))
        out = np.empty_like(values)
        norm = activation.begin(len(bounds) - 1, len(values))
        if not activation.at_once:
            kernels.observe(shares, bounds, values, norm)
            norm = activation.settle()
        kernels.activate(shares, bounds, *rows, values, norm, out)
        ctx.save_for_backward(x, gamma, beta)
        ctx.activation, ctx.bounds = activation, bounds
        return torch.from_numpy(out)

    @staticmethod
    @once_differentiable
    @outside_autocast
    def backward(  # type: ignore[override]  # the decorators hide that it fits
        ctx: Any, *derivatives: Any
    ) -> tuple[Tensor | None, ...]:
        x, *_ = ctx.saved_tensors  # γ and β: unchanged since, or torch raises
        (dout,) = derivatives
        values, dz = array(x), array(dout)
        bounds = ctx.bounds
        shares = bounds_of(shares_of(len(bounds) - 1))
        norm, sums = ctx.activation.backwards(dz, values, bounds, len(shares) - 1)
        dx = np.empty_like(values)
        kernels.differentiate_members(shares, bounds, dz, values, norm, dx)
        dbefore = dout if ctx.needs_input_grad[0] else None
        return dbefore, torch.from_numpy(dx), *ctx.activation.parameters(sums), None


def _bounds_of_chunks(x: np.ndarray) -> Int[np.ndarray, "chunks_and_end"]:
    return np.array([*range(0, max(1, len(x)), rows_of_a_chunk(x)), len(x)])
