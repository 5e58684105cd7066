"""The edge-gated convolution in chunks that stay in the cache, with a backward of its own.

The numbers of the plain engine from a fraction of its memory traffic: of all that a convolution
computes for each link, only m and the new e' are ever written to memory.

For links j→i with weights w, and members' gates s and t, values v and own parts u, where
m = W e + b + sⱼ + tᵢ, whose sigmoid is the gate,

    Nᵢ = Σⱼ w σ(m) ⊙ vⱼ,   Dᵢ = Σⱼ w σ(m) + 10⁻⁶,   rᵢ = Nᵢ / Dᵢ,   e' = e + SiLU(Norm(m))

and backwards, with a bar for the loss's derivative by each,

    q  = w σ(m) ⊙ r̄ᵢ / Dᵢ
    m̄  = q ⊙ (1 - σ(m)) ⊙ (vⱼ - rᵢ) + Norm'(SiLU'(ē'))
    v̄ⱼ = Σᵢ q,   s̄ⱼ = Σᵢ m̄,   t̄ᵢ = Σⱼ m̄,   W̄ = Σ m̄ eᵀ,   b̄ = Σ m̄,   ē = ē' + Wᵀ m̄

What is returned is u + r, so that ū = r̄.
"""

from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from trialsmith.models import kernels
from trialsmith.models.activation import Activation, Sums, chunked_activation
from trialsmith.models.chunks import ChunkedLinks, Chunks
from trialsmith.models.norm import Norm
from trialsmith.models.products import Repeated, products_of
from trialsmith.models.shares import RowSums, in_all_rows, in_shares, rows_of_a_chunk, summed

EPS = 1e-6
_SUMS = 4  # all that threads sum up by themselves, backwards, in arrays of the size of m


def fused_convolution(
    e: Tensor | Repeated,
    project: nn.Linear,
    s: Float[Tensor, "members hidden"],
    t: Float[Tensor, "members hidden"],
    v: Float[Tensor, "members hidden"],
    u: Float[Tensor, "members hidden"],
    norm: Norm | None,
    links: ChunkedLinks,
) -> tuple[Float[Tensor, "members hidden"], Tensor | Repeated]:
    """(e, W and b, s, t, v, u, norm) → (u + r, e'); without a norm e' is e.

    Under autocast the products with W are in its type, and nothing else is.
    """
    activation = None if norm is None else chunked_activation(norm, links.multiplicity)
    features, rows = (e, None) if isinstance(e, Tensor) else e
    autocast = torch.is_autocast_enabled("cpu")
    product_type = torch.get_autocast_dtype("cpu") if autocast else features.dtype
    parameters = (None, None) if norm is None else (norm.weight, norm.bias)
    taken, new = _FusedConvolution.apply(
        *(features, project.weight, project.bias, s, t, v, u, *parameters),
        *(rows, links, activation, product_type),
    )
    return taken, e if new is None else new


class _FusedConvolution(torch.autograd.Function):
    """(e, W, b, s, t, v, u) → (u + r, e'); also differentiates by γ and β of the norm."""

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(
        ctx: Any,
        e: Tensor,
        weight: Tensor,
        bias: Tensor,
        s: Tensor,
        t: Tensor,
        v: Tensor,
        u: Tensor,
        gamma: Tensor | None,
        beta: Tensor | None,
        rows: Tensor | None,
        links: ChunkedLinks,
        activation: Activation | None,
        product_type: torch.dtype,
    ) -> tuple[Tensor, Tensor | None]:
        m = e.new_empty(len(links), e.shape[1])
        chunks = links.chunks(rows_of_a_chunk(m.numpy()))
        products = products_of(e, rows, weight, product_type, chunks)
        product = products.forwards()
        taken, r, d = (torch.empty_like(u) for _ in range(3))
        new = None if activation is None else torch.empty_like(m)
        if activation is not None:
            activation.begin(len(chunks))
        features, x = (products.values, products.rows), m.numpy()
        members = tuple(_array(each) for each in (bias, s, v, t, u))
        out = r.numpy(), d.numpy(), taken.numpy()
        written: Any = None if new is None else new.numpy()

        def convolve(share: range) -> None:
            for some in _together(share, product):
                if product is None:
                    products.project(some.start, out=m[chunks.links(some)])
                norm = None if activation is None else activation.forwards(some)
                of_links = chunks.of(some), *features, product, x
                kernels.convolve(*of_links, *members, EPS, *out, norm, written)

        in_shares(len(chunks), convolve)
        if activation is not None and activation.of_all:
            activation.settle()
            in_shares(len(chunks), partial(_update, activation, chunks, features, x, written))
        ctx.save_for_backward(e, weight, v, rows, m, r, d, gamma, beta)
        ctx.chunks, ctx.activation, ctx.product_type = chunks, activation, product_type
        return taken, new

    @staticmethod
    @once_differentiable
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(  # type: ignore[override]  # the decorators hide that it fits
        ctx: Any, *derivatives: Any
    ) -> tuple[Tensor | None, ...]:
        dtaken, dnew = derivatives
        e, weight, v, rows, m, r, d, *_ = (
            ctx.saved_tensors
        )  # γ and β: unchanged since, or torch raises
        chunks, activation = ctx.chunks, ctx.activation
        products = products_of(e, rows, weight, ctx.product_type, chunks)
        products.begin_backwards()
        dt = torch.empty_like(v)
        features, x, values = (products.values, products.rows), m.numpy(), _array(v)
        at_targets = _array(dtaken), r.numpy(), d.numpy(), dt.numpy()
        of_all: Any = None
        if activation is not None:
            dnew = dnew.contiguous()
            of_all = activation.collected(dnew.numpy(), x, chunks.slices)
        given: Any = None if dnew is None else dnew.numpy()

        def differentiate(share: range) -> tuple[RowSums, RowSums, Any, Sums]:
            sources = chunks.sources(share)
            ds, dv = RowSums.zeros(v, sources, share), RowSums.zeros(v, sources, share)
            at_sources = ds.sums.numpy(), dv.sums.numpy()
            of_products = products.sums(share)
            product = products.backwards(of_products)
            of_norm, norm = (), None
            if activation is not None:
                of_norm = activation.accumulators()
                norm = activation.backwards(of_all, of_norm)
            dm = m.new_empty(max(chunks.sizes[share.start : share.stop]), m.shape[1])
            for some in _together(share, product):
                of_links = chunks.of(some), *features, product, x
                of_sources = ds.rows.start, values[ds.rows], *at_sources
                kernels.differentiate(*of_links, *of_sources, *at_targets, norm, given, dm.numpy())
                if product is None:
                    here = chunks.links(some)
                    rest = None if dnew is None else dnew[here]
                    products.collect(of_products, some.start, dm[: here.stop - here.start], rest)
            return ds, dv, of_products, of_norm

        # Each share has sums as large as s, v and what is repeated: on a machine of many cores all
        # of them would be many times what the batch takes.
        held = 2 * (v.numel() + (0 if rows is None else e.numel()))
        most = max(2, _SUMS * m.numel() // max(1, held))
        shares = in_shares(len(chunks), differentiate, most)
        of_sources, of_targets, of_products, of_norm = zip(*shares, strict=True)
        ds, dv = in_all_rows(of_sources), in_all_rows(of_targets)
        de, dweight = products.derivatives(of_products)
        gradients: Any = (None, None)
        if activation is not None:
            gradients = activation.parameters(summed([of_all.sums, *of_norm]))
        return de, dweight, dt.sum(0), ds, dt, dv, dtaken, *gradients, None, None, None, None


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


def _together(share: range, product: Any) -> list[range]:
    """The chunks that a kernel takes at a time: one where the product is not its own."""
    return [share] if product is not None else [range(n, n + 1) for n in share]


def _array(x: Tensor) -> np.ndarray:
    return x.detach().contiguous().numpy()
