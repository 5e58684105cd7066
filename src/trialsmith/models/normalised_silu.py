"""SiLU(Norm(x)), the end of an embedding and of a member's update, in two passes over x."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import silu

from trialsmith.models.activation import Activation, Sums, chunked_activation
from trialsmith.models.norm import Norm
from trialsmith.models.shares import in_shares, rows_of, rows_of_a_chunk, shares_of, summed


def normalised_silu(
    norm: Norm, x: Float[Tensor, "members features"], multiplicity: Float[Tensor, "members"]
) -> Float[Tensor, "members features"]:
    """``silu(norm(x, multiplicity))``; on a CPU by compiled kernels, once differentiable."""
    if x.device.type != "cpu":
        return silu(norm(x, multiplicity))
    activation = chunked_activation(norm, multiplicity)
    return _NormalisedSilu.apply(x, norm.weight, norm.bias, activation)


class _NormalisedSilu(torch.autograd.Function):
    """(x, γ, β) → SiLU(y); the equations are the activations'."""

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(
        ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, activation: Activation
    ) -> Float[Tensor, "members features"]:
        values = x.detach().contiguous().numpy()
        out = np.empty_like(values)
        nothing = np.zeros_like(values, shape=(1, values.shape[1])), np.zeros(len(out), np.intp)
        chunks = _chunks(values)
        shares = shares_of(len(chunks))

        def observe(share: range) -> None:
            for number in share:
                activation.observe(number, values[chunks[number]], chunks[number])

        def activate(share: range) -> None:
            rows = rows_of(share, chunks)
            activation.add((nothing[0], nothing[1][rows]), values[rows], out[rows])

        if not activation.at_once:
            activation.begin(len(chunks))
            in_shares(shares, observe)
            activation.settle()
        in_shares(shares, activate)
        ctx.save_for_backward(x, gamma, beta)
        ctx.activation = activation
        return torch.from_numpy(out)

    @staticmethod
    @once_differentiable
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(  # type: ignore[override]  # the decorators hide that it fits
        ctx: Any, *derivatives: Any
    ) -> tuple[Tensor | None, ...]:
        x, *_ = ctx.saved_tensors  # γ and β: unchanged since, or torch raises
        activation = ctx.activation
        values, dz = (each.detach().contiguous().numpy() for each in (x, *derivatives))
        dx = np.zeros_like(values)
        chunks = _chunks(values)
        collected = activation.collected(dz, values, chunks)

        def differentiate(share: range) -> Sums:
            sums = activation.accumulators()
            rows = rows_of(share, chunks)
            activation.differentiate(dz[rows], values[rows], rows, collected, sums, dx[rows])
            return sums

        sums = summed([collected.sums, *in_shares(shares_of(len(chunks)), differentiate)])
        return torch.from_numpy(dx), *activation.parameters(sums), None


def _chunks(values: np.ndarray) -> list[slice]:
    rows = rows_of_a_chunk(values)
    return [slice(k, k + rows) for k in range(0, max(1, len(values)), rows)]
