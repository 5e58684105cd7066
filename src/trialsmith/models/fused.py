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

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from trialsmith.models import kernels
from trialsmith.models.activation import Activation, Moments, Sums, chunked_activation
from trialsmith.models.chunks import Chunk, ChunkedLinks
from trialsmith.models.norm import Norm
from trialsmith.models.products import Products, Repeated, products_of
from trialsmith.models.shares import in_shares, rows_of_a_chunk, summed

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
        sizes = _sizes(chunks)
        pieces = m.split(sizes)
        products = products_of(e, rows, weight, product_type, sizes)
        products.begin()
        taken, r, d = (torch.empty_like(u) for _ in range(3))
        new = None if activation is None else torch.empty_like(m)
        everywhere = _array(bias), _array(s), _array(v)
        at_targets = _array(t), _array(u), r.numpy(), d.numpy(), taken.numpy()

        def send(share: Sequence[Chunk]) -> list[Moments]:
            observed = []
            for chunk in share:
                products.project(chunk.number, out=pieces[chunk.number])
                here, link = chunk.targets, (chunk.source, chunk.starts, chunk.weight)
                x, of_here = pieces[chunk.number].numpy(), [each[here] for each in at_targets]
                kernels.sum_at_targets(x, *everywhere, *link, EPS, *of_here)
                if activation is None or new is None:
                    continue
                if activation.of_all:
                    observed += activation.observe(x, chunk.links)
                else:  # now, while the cache holds it
                    _update(products, m, activation, new, [chunk])
            return observed

        observed = [moments for share in in_shares(chunks, send) for moments in share]
        if activation is not None and new is not None and activation.of_all:
            activation.settle(observed)
            in_shares(chunks, partial(_update, products, m, activation, new))
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
        sizes = _sizes(chunks)
        products = products_of(e, rows, weight, ctx.product_type, sizes)
        products.begin_backwards()
        dt = torch.empty_like(v)
        x, values, dtargets = m.numpy(), _array(v), dt.numpy()
        at_targets = _array(dtaken), r.numpy(), d.numpy()
        if activation is not None:
            dnew = dnew.contiguous()
            dpieces = dnew.split(sizes)
            of_all = activation.collected(dnew.numpy(), x, [chunk.links for chunk in chunks])

        def differentiate(share: Sequence[Chunk]) -> tuple[Sums, Sums, Sums]:
            members = torch.zeros_like(v), torch.zeros_like(v)
            dgates, dvalues = (each.numpy() for each in members)
            of_products = products.accumulators()
            of_norm = () if activation is None else activation.accumulators()
            dms = m.new_empty(max(_sizes(share)), m.shape[1])
            for chunk in share:
                here, link = chunk.targets, (chunk.source, chunk.starts, chunk.weight)
                z, dm = x[chunk.links], dms[: len(chunk)]
                dz, of_here = dm.numpy(), [each[here] for each in at_targets]
                kernels.differentiate_gates(z, values, *link, *of_here, dz, dvalues)
                dnew_ = None
                if activation is not None:
                    dnew_ = dpieces[chunk.number]
                    given = dnew_.numpy(), z, chunk.links
                    activation.differentiate(*given, of_all, of_norm, dz)
                kernels.send(dz, *link[:2], dgates, dtargets[here])
                products.collect(of_products, chunk.number, dm, dnew_)
            return members, of_products, of_norm

        # Each share has sums as large as s, v and what is repeated: on a machine of many cores all
        # of them would be many times what the batch takes.
        held = 2 * (v.numel() + (0 if rows is None else e.numel()))
        shares = in_shares(chunks, differentiate, most=max(2, _SUMS * m.numel() // max(1, held)))
        (ds, dv), of_products, of_norm = (summed(each) for each in zip(*shares, strict=True))
        de, dweight = products.derivatives(of_products)
        norm: Any = (None, None)
        if activation is not None:
            norm = activation.parameters(summed([of_all.sums, of_norm]))
        return de, dweight, dt.sum(0), ds, dt, dv, dtaken, *norm, None, None, None, None


def _sizes(chunks: Sequence[Chunk]) -> list[int]:
    return [len(chunk) for chunk in chunks]


def _update(
    products: Products, m: Tensor, activation: Activation, new: Tensor, share: Sequence[Chunk]
) -> None:
    """e' = e + SiLU(Norm(m))"""
    x, out = m.numpy(), new.numpy()
    for chunk in share:
        activation.add(products.features(chunk.number), x[chunk.links], out[chunk.links])


def _array(x: Tensor) -> np.ndarray:
    return x.detach().contiguous().numpy()
