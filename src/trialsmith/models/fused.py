"""The edge-gated convolution in chunks that stay in the cache, with a backward of its own.

The numbers of the plain engine from a fraction of its memory traffic: of all that a convolution
computes for each link, only m and the new e' are ever written to memory.

For links j→i with weights w, and members' gates s and t and values v, where m = W e + b + sⱼ + tᵢ,
whose sigmoid is the gate,

    Nᵢ = Σⱼ w σ(m) ⊙ vⱼ,   Dᵢ = Σⱼ w σ(m) + 10⁻⁶,   rᵢ = Nᵢ / Dᵢ,   e' = e + SiLU(Norm(m))

and backwards, with a bar for the loss's derivative by each,

    q  = w σ(m) ⊙ r̄ᵢ / Dᵢ
    m̄  = q ⊙ (1 - σ(m)) ⊙ (vⱼ - rᵢ) + Norm'(SiLU'(ē'))
    v̄ⱼ = Σᵢ q,   s̄ⱼ = Σᵢ m̄,   t̄ᵢ = Σⱼ m̄,   W̄ = Σ m̄ eᵀ,   b̄ = Σ m̄,   ē = ē' + Wᵀ m̄
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from trialsmith.models import kernels
from trialsmith.models.activation import Activation, NoActivation, chunked_activation
from trialsmith.models.arrays import array
from trialsmith.models.autocast import outside_autocast
from trialsmith.models.chunks import ChunkedLinks, Chunks
from trialsmith.models.factors import parts_of_factors
from trialsmith.models.norm import Norm
from trialsmith.models.products import Products, Repeated, products_of
from trialsmith.models.shares import bounds_of, length, rows_of_a_chunk, shares_of

EPS = 1e-6
_SUMS = 4  # rows that shares sum up at most, backwards, for each link


def fused_convolution(
    e: Tensor | Repeated,
    project: nn.Linear,
    parts: Float[Tensor, "members 3 hidden"],
    norm: Norm | None,
    links: ChunkedLinks,
) -> tuple[Float[Tensor, "members hidden"], Tensor | Repeated]:
    """(e, W and b, s and t and v, norm) → (r, e'); without a norm e' is e.

    The products with W are as exact as `parts_of_factors` has it, the rest as exact as its numbers.

    Raises:
        ValueError: sizes that do not go together.
    """
    features, rows = (e, None) if isinstance(e, Tensor) else e
    _check_shapes(features, rows, project.weight, parts, norm, links)
    activation = None if norm is None else chunked_activation(norm, links.multiplicity)
    parameters = (None, None) if norm is None else (norm.weight, norm.bias)
    r, new = _FusedConvolution.apply(
        *(features, project.weight, project.bias, parts, *parameters),
        *(rows, links, activation, parts_of_factors(features)),
    )
    return r, e if new is None else new


def _check_shapes(
    features: Tensor,
    rows: Tensor | None,
    weight: Tensor,
    parts: Tensor,
    norm: Norm | None,
    links: ChunkedLinks,
) -> None:
    """Kernels trust their arrays: a row too few would be read from elsewhere in memory."""
    count = len(features) if rows is None else len(rows)
    members, _, width = parts.shape
    of_norm = width if norm is None else len(norm.weight)
    given = count, *parts.shape, features.shape[1], *weight.shape, of_norm
    if given != (len(links), links.members, 3, width, width, width, width, width):
        raise ValueError(
            f"{count} links with {features.shape[1]} features, W {tuple(weight.shape)}, a norm of "
            f"{of_norm} features and {members} members do not go with {len(links)} links of "
            f"{links.members} members with {width} features"
        )
    if rows is not None and len(rows) and not 0 <= rows.min() <= rows.max() < len(features):
        raise ValueError(f"links have rows from 0 to {len(features) - 1} of the features alone")


class _FusedConvolution(torch.autograd.Function):
    """(e, W, b, (s, t, v)) → (r, e'); also differentiates by γ and β of the norm."""

    @staticmethod
    @outside_autocast
    def forward(
        ctx: Any,
        e: Tensor,
        weight: Tensor,
        bias: Tensor,
        parts: Tensor,
        gamma: Tensor | None,
        beta: Tensor | None,
        rows: Tensor | None,
        links: ChunkedLinks,
        activation: Activation | None,
        factor_parts: int,
    ) -> tuple[Tensor, Tensor | None]:
        m = e.new_empty(len(links), e.shape[1])
        x = m.numpy()
        chunks = links.chunks(rows_of_a_chunk(x))
        r, d = (e.new_empty(links.members, e.shape[1]) for _ in range(2))
        new = None if activation is None else torch.empty_like(m)
        activation = activation or NoActivation(m)
        shares, table = bounds_of(shares_of(len(chunks))), chunks.table
        products = products_of(e, rows, weight, factor_parts, chunks)
        features, new_links = (products.values, products.rows), _array_or_none(new, m)
        norm = activation.begin(len(chunks), len(links))
        kernels.convolve(
            *(shares, table, *features, products.forwards(), x, array(bias), array(parts)),
            *(EPS, r.numpy(), d.numpy(), norm, new_links),
        )
        if not activation.at_once:
            kernels.activate(shares, table.links, *features, x, activation.settle(), new_links)
        ctx.save_for_backward(e, weight, parts, rows, m, r, d, gamma, beta)
        ctx.chunks, ctx.activation, ctx.factor_parts = chunks, activation, factor_parts
        return r, new

    @staticmethod
    @once_differentiable
    @outside_autocast
    def backward(  # type: ignore[override]  # the decorators hide that it fits
        ctx: Any, *derivatives: Any
    ) -> tuple[Tensor | None, ...]:
        dr, dnew = derivatives
        # γ and β, the last, are unchanged since, or torch raises
        e, weight, parts, rows, m, r, d, *_ = ctx.saved_tensors
        chunks, activation = ctx.chunks, ctx.activation
        products = products_of(e, rows, weight, ctx.factor_parts, chunks)
        shares, table = _shares_that_fit(chunks, products), chunks.table
        dnew = _array_or_none(dnew, m)
        x = m.numpy()
        norm, sums = activation.backwards(dnew, x, table.links, len(shares))
        bounds = bounds_of(shares)
        dparts = chunks.layout(shares).room(parts)
        dbias = m.new_empty(len(shares), m.shape[1])
        room = m.new_empty(len(shares), max(chunks.sizes), m.shape[1])
        features, product = (products.values, products.rows), products.backwards(shares)
        at_targets = array(dr), r.numpy(), d.numpy()
        kernels.differentiate(
            *(bounds, table, *features, product, x, array(parts), dparts.table, dbias.numpy()),
            *(*at_targets, norm, dnew, room.numpy()),
        )
        de, dweight = products.derivatives()
        dgamma, dbeta = activation.parameters(sums)
        given = de, dweight, dbias.sum(0), dparts.total(), dgamma, dbeta
        return *given, None, None, None, None


def _shares_that_fit(chunks: Chunks, products: Products) -> list[range]:
    """One for each thread, or fewer.

    A share sums up what it has to do with of others' members and shared features in rows of its
    own. On a machine of many cores, where every share has to do with all of them, these would be
    many times what the batch takes.
    """
    for most in range(torch.get_num_threads(), 2, -1):
        shares = shares_of(len(chunks), most)
        rows = sum(3 * length(chunks.members(share)) + products.held(share) for share in shares)
        if rows <= _SUMS * sum(chunks.sizes):
            return shares
    return shares_of(len(chunks), min(2, torch.get_num_threads()))


def _array_or_none(x: Tensor | None, like: Tensor) -> np.ndarray:
    """Without rows and columns, where there is none."""
    return array(like.new_empty(0, 0) if x is None else x)
