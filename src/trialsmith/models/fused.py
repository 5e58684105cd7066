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

from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from trialsmith.models import kernels
from trialsmith.models.activation import Activation, NoActivation, Sums, chunked_activation
from trialsmith.models.chunks import ChunkedLinks, Chunks
from trialsmith.models.norm import Norm
from trialsmith.models.products import Products, Repeated, products_of
from trialsmith.models.shares import (
    RowSums,
    in_all_rows,
    in_shares,
    rows_of_a_chunk,
    shares_of,
    summed,
)

EPS = 1e-6
_SUMS = 4  # rows that shares sum up by themselves, backwards, for each link


def fused_convolution(
    e: Tensor | Repeated,
    project: nn.Linear,
    parts: Float[Tensor, "members 3 hidden"],
    norm: Norm | None,
    links: ChunkedLinks,
) -> tuple[Float[Tensor, "members hidden"], Tensor | Repeated]:
    """(e, W and b, s and t and v, norm) → (r, e'); without a norm e' is e.

    Under autocast to bfloat16 the products with W are in it, and nothing else is.

    Raises:
        ValueError: sizes that do not go together.
    """
    features, rows = (e, None) if isinstance(e, Tensor) else e
    _check_shapes(features, rows, project.weight, parts, links)
    autocast = torch.is_autocast_enabled("cpu")
    product_type = torch.get_autocast_dtype("cpu") if autocast else features.dtype
    activation = None if norm is None else chunked_activation(norm, links.multiplicity)
    parameters = (None, None) if norm is None else (norm.weight, norm.bias)
    r, new = _FusedConvolution.apply(
        *(features, project.weight, project.bias, parts, *parameters),
        *(rows, links, activation, product_type),
    )
    return r, e if new is None else new


def _check_shapes(
    features: Tensor, rows: Tensor | None, weight: Tensor, parts: Tensor, links: ChunkedLinks
) -> None:
    """Kernels trust their arrays: a row too few would be read from elsewhere in memory."""
    count = len(features) if rows is None else len(rows)
    members, _, width = parts.shape
    given = count, *parts.shape, features.shape[1], *weight.shape
    if given != (len(links), links.members, 3, width, width, width, width):
        raise ValueError(
            f"{count} links with {features.shape[1]} features, W {tuple(weight.shape)} and "
            f"{members} members do not go with {len(links)} links of {links.members} members "
            f"with {width} features"
        )


class _FusedConvolution(torch.autograd.Function):
    """(e, W, b, (s, t, v)) → (r, e'); also differentiates by γ and β of the norm."""

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
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
        product_type: torch.dtype,
    ) -> tuple[Tensor, Tensor | None]:
        m = e.new_empty(len(links), e.shape[1])
        chunks = links.chunks(rows_of_a_chunk(m.numpy()))
        shares = shares_of(len(chunks))
        products = products_of(e, rows, weight, product_type, chunks)
        product = products.forwards()
        r, d = (e.new_empty(links.members, e.shape[1]) for _ in range(2))
        new = None if activation is None else torch.empty_like(m)
        activation = activation or NoActivation(m.numpy())
        activation.begin(len(chunks))
        features, x = (products.values, products.rows), m.numpy()
        given = _array(bias), _array(parts)
        written = r.numpy(), d.numpy()
        links_written = _array_or_none(new, x)

        def convolve(share: range) -> None:
            of_links = chunks.of(share), *features, product, x
            norm = activation.forwards(share)
            kernels.convolve(*of_links, *given, EPS, *written, norm, links_written)

        in_shares(shares, convolve)
        if not activation.at_once:
            activation.settle()
            update = partial(_update, activation, chunks, features, x, links_written)
            in_shares(shares, update)
        ctx.save_for_backward(e, weight, parts, rows, m, r, d, gamma, beta)
        ctx.chunks, ctx.activation, ctx.product_type = chunks, activation, product_type
        return r, new

    @staticmethod
    @once_differentiable
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(  # type: ignore[override]  # the decorators hide that it fits
        ctx: Any, *derivatives: Any
    ) -> tuple[Tensor | None, ...]:
        dr, dnew = derivatives
        e, weight, parts, rows, m, r, d, *_ = (
            ctx.saved_tensors
        )  # γ and β: unchanged since, or torch raises
        chunks, activation = ctx.chunks, ctx.activation
        products = products_of(e, rows, weight, ctx.product_type, chunks)
        products.begin_backwards()
        features, x, members = (products.values, products.rows), m.numpy(), _array(parts)
        at_targets = _array(dr), r.numpy(), d.numpy()
        if dnew is not None:
            dnew = dnew.contiguous()
        given = _array_or_none(dnew, x)
        of_all = activation.collected(given, x, chunks.slices)

        def differentiate(share: range) -> tuple[RowSums, Any, Sums]:
            dparts = RowSums.zeros(parts, chunks.members(share), share)
            at_members = dparts.rows.start, members[dparts.rows], dparts.sums.numpy()
            of_products, of_norm = products.sums(share), activation.accumulators()
            product = products.backwards(of_products)
            norm = activation.backwards(of_all, of_norm)
            scratch = m.new_empty(max(chunks.sizes[share.start : share.stop]), m.shape[1])
            of_links = chunks.of(share), *features, product, x
            kernels.differentiate(*of_links, *at_members, *at_targets, norm, given, scratch.numpy())
            return dparts, of_products, of_norm

        shares = _shares_that_fit(chunks, products)
        of_members, of_products, of_norm = zip(*in_shares(shares, differentiate), strict=True)
        dparts = in_all_rows(of_members)
        de, dweight = products.derivatives(of_products)
        dgamma, dbeta = activation.parameters(summed([of_all.sums, *of_norm])) or (None, None)
        dbias = dparts[:, 1].sum(0)  # as of t, which too is added to every m
        return de, dweight, dbias, dparts, dgamma, dbeta, None, None, None, None


def _shares_that_fit(chunks: Chunks, products: Products) -> list[range]:
    """One for each thread, or fewer.

    Each share has sums for the members and the shared features that it has to do with. On a machine
    of many cores, where every share has to do with all of them, they would be many times what the
    batch takes.
    """
    for most in range(torch.get_num_threads(), 2, -1):
        shares = shares_of(len(chunks), most)
        rows = sum(3 * _length(chunks.members(share)) + products.held(share) for share in shares)
        if rows <= _SUMS * sum(chunks.sizes):
            return shares
    return shares_of(len(chunks), min(2, torch.get_num_threads()))


def _length(rows: slice) -> int:
    return rows.stop - rows.start


def _update(
    activation: Activation,
    chunks: Chunks,
    e: tuple[np.ndarray, np.ndarray],
    m: np.ndarray,
    new: np.ndarray,
    share: range,
) -> None:
    """e' = e + SiLU(Norm(m))"""
    here, (values, rows) = chunks.links(share), e
    activation.add((values, rows[here]), m[here], new[here])


def _array(x: Tensor) -> np.ndarray:
    return x.detach().contiguous().numpy()


def _array_or_none(x: Tensor | None, like: np.ndarray) -> np.ndarray:
    """Without rows and columns, where there is none."""
    return np.empty((0, 0), like.dtype) if x is None else x.numpy()
