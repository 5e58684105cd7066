"""The edge-gated convolution in chunks that stay in the cache, with a backward of its own.

The numbers of the plain engine from a fraction of its memory traffic: of all that a convolution
computes for each link, only m and the new e' are ever written to memory.

For links j→i with weights w, values v and m = W e + b + sⱼ + tᵢ, whose sigmoid is the gate,

    Nᵢ = Σⱼ w σ(m) ⊙ vⱼ,   Dᵢ = Σⱼ w σ(m) + 10⁻⁶,   rᵢ = Nᵢ / Dᵢ,   e' = e + SiLU(Norm(m))

and backwards, with a bar for the loss's derivative by each,

    q  = w σ(m) ⊙ r̄ᵢ / Dᵢ
    m̄  = q ⊙ (1 - σ(m)) ⊙ (vⱼ - rᵢ) + Norm'(SiLU'(ē'))
    v̄ⱼ = Σᵢ q,   s̄ⱼ = Σᵢ m̄,   t̄ᵢ = Σⱼ m̄,   W̄ = Σ m̄ eᵀ,   b̄ = Σ m̄,   ē = ē' + Wᵀ m̄
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from trialsmith.models.activation import Activation, chunked_activation
from trialsmith.models.chunks import ChunkedLinks
from trialsmith.models.norm import Norm
from trialsmith.models.products import Repeated, products_of

EPS = 1e-6
CHUNK_BYTES = 2**20  # of one array over a chunk's links: what a core's second-level cache holds


def fused_convolution(
    e: Tensor | Repeated,
    project: nn.Linear,
    source_gate: Float[Tensor, "members hidden"],
    target_gate: Float[Tensor, "members hidden"],
    values: Float[Tensor, "members hidden"],
    norm: Norm | None,
    links: ChunkedLinks,
) -> tuple[Float[Tensor, "members hidden"], Tensor | Repeated]:
    """(e, W and b, s, t, v, norm) → (r, e'); without a norm e' is e.

    Under autocast the products with W are in its type, and nothing else is.
    """
    activation = None if norm is None else chunked_activation(norm, links.multiplicity)
    given, rows = (e, None) if isinstance(e, Tensor) else e
    autocast = torch.is_autocast_enabled("cpu")
    product_type = torch.get_autocast_dtype("cpu") if autocast else given.dtype
    parameters = (None, None) if norm is None else (norm.weight, norm.bias)
    received, new = _FusedConvolution.apply(
        *(given, project.weight, project.bias, source_gate, target_gate, values, *parameters),
        *(rows, links, activation, product_type),
    )
    return received, e if new is None else new


class _FusedConvolution(torch.autograd.Function):
    """(e, W, b, s, t, v) → (r, e'); and γ, β of the norm, whose derivatives it also gives."""

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
        gamma: Tensor | None,
        beta: Tensor | None,
        rows: Tensor | None,
        links: ChunkedLinks,
        activation: Activation | None,
        product_type: torch.dtype,
    ) -> tuple[Tensor, Tensor | None]:
        s, t, v = s.contiguous(), t + bias, v.contiguous()
        weight = weight.to(product_type)
        products = products_of(e, rows, weight)
        m = e.new_empty(len(links), e.shape[1])
        r, d = torch.empty_like(v), torch.empty_like(v)
        chunks = links.chunks(_rows(m))
        for chunk in chunks:
            m_ = m[chunk.links]
            m_.copy_(products.project(chunk.links))
            m_ += s.index_select(0, chunk.source)
            m_ += t.index_select(0, chunk.target)
            gate = torch.sigmoid(m_)
            d_ = d[chunk.targets] = chunk.sum_at_targets(gate).add_(EPS)
            gate *= v.index_select(0, chunk.source)
            r[chunk.targets] = chunk.sum_at_targets(gate).div_(d_)
            if activation is not None:
                activation.observe(m_, chunk.links)
        new = None
        if activation is not None:
            activation.settle()
            new = torch.empty_like(m)
            for chunk in chunks:
                z = activation.activate(m[chunk.links])
                torch.add(products.features(chunk.links), z, out=new[chunk.links])
        ctx.save_for_backward(e, weight, v, rows, m, r, d, gamma, beta)
        ctx.links, ctx.activation = links, activation
        return r, new

    @staticmethod
    @once_differentiable
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(  # type: ignore[override]  # the decorators hide that it fits
        ctx: Any, *derivatives: Any
    ) -> tuple[Tensor | None, ...]:
        dr, dnew = derivatives
        e, weight, v, rows, m, r, d, *_ = (
            ctx.saved_tensors
        )  # γ and β: unchanged since, or torch raises
        activation, chunks = ctx.activation, ctx.links.chunks(_rows(m))
        products = products_of(e, rows, weight)
        n = dr / d
        ds, dt, dv = torch.zeros_like(v), torch.empty_like(v), torch.zeros_like(v)
        derivative = None
        if activation is not None:
            derivative = activation.derivative()
            for chunk in chunks:
                derivative.collect(dnew[chunk.links], m[chunk.links])
        for chunk in chunks:
            m_, dnew_ = m[chunk.links], None
            gate = torch.sigmoid(m_)
            q = n.index_select(0, chunk.target).mul_(gate).mul_(chunk.weight.unsqueeze(1))
            dv.index_add_(0, chunk.source, q)
            dm = v.index_select(0, chunk.source).sub_(r.index_select(0, chunk.target)).mul_(q)
            dm.addcmul_(dm, gate, value=-1)
            if derivative is not None:
                dnew_ = dnew[chunk.links]
                dm += derivative.differentiate(dnew_, m_, chunk.links)
            ds.index_add_(0, chunk.source, dm)
            dt[chunk.targets] = chunk.sum_at_targets(dm, weighted=False)
            products.collect(chunk.links, dm, dnew_)
        de, dweight = products.derivatives()
        norm = (None, None) if derivative is None else derivative.parameters()
        return de, dweight, dt.sum(0), ds, dt, dv, *norm, None, None, None, None


def _rows(m: Tensor) -> int:
    """How many links a chunk holds: as many for each thread as fit its cache."""
    return max(1, torch.get_num_threads() * CHUNK_BYTES // (m.shape[1] * m.element_size()))
