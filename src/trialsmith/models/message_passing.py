"""The one place where features travel along links: engines that give the same numbers.

For links j→i with features e, and members' gates s and t and values v,

    m = W e + b + sⱼ + tᵢ,   rᵢ = Σⱼ w σ(m) ⊙ vⱼ / (Σⱼ w σ(m) + 10⁻⁶),   e' = e + SiLU(Norm(m))

where w counts how often a link of a graph up to symmetry stands in the sum of its target. Members
receive r, links become e'.
"""

import os
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import silu

from trialsmith.data.batch import Links
from trialsmith.errors import InfeasibleConfig
from trialsmith.models.chunks import ChunkedLinks
from trialsmith.models.fused import EPS, fused_convolution
from trialsmith.models.norm import Norm
from trialsmith.models.products import Repeated, expanded

# What members give: s to the gates of the links that begin at them, t to the gates of those that
# end there, v to be carried by those that begin there.
Parts = Float[Tensor, "members 3 hidden"]
# (e, W and b, what members give, norm) → (r, e'); without a norm e' is e
Convolution = Callable[
    [Tensor | Repeated, nn.Linear, Parts, Norm | None], tuple[Tensor, Tensor | Repeated]
]
# from the links of a batch and the number of members that they join
Engine = Callable[[Links, int], Convolution]


def auto_engine(links: Links, members: int) -> Convolution:
    """``fused`` on a CPU, where it was measured to be the fastest; ``torch`` elsewhere."""
    on_cpu = links.source.device.type == "cpu"
    return fused_engine(links, members) if on_cpu else torch_engine(links, members)


def fused_engine(links: Links, members: int) -> Convolution:
    """Chunks that stay in a CPU's cache, with a backward of its own, but no second derivative."""
    if links.source.device.type != "cpu":
        raise InfeasibleConfig("model.engine=fused is for CPUs: use model.engine=auto or torch")
    chunked = ChunkedLinks(links, members)

    def convolve(
        e: Tensor | Repeated, project: nn.Linear, parts: Parts, norm: Norm | None
    ) -> tuple[Float[Tensor, "members hidden"], Tensor | Repeated]:
        return fused_convolution(e, project, parts, norm, chunked)

    return convolve


def torch_engine(links: Links, members: int) -> Convolution:
    """Plain torch: the equations as they stand."""
    source, target = links.source, links.target
    weight = links.weight.unsqueeze(1)

    def convolve(
        e: Tensor | Repeated, project: nn.Linear, parts: Parts, norm: Norm | None
    ) -> tuple[Float[Tensor, "members hidden"], Float[Tensor, "links hidden"]]:
        e, (s, t, v) = expanded(e), parts.unbind(1)
        sent = s.index_select(0, source) + t.index_select(0, target)
        m = project(e).to(e.dtype) + sent
        gate = torch.sigmoid(m) * weight
        zeros = gate.new_zeros(members, gate.shape[1])
        carried = zeros.index_add(0, target, gate * v.index_select(0, source))
        received = carried / (zeros.index_add(0, target, gate) + EPS)
        return received, updated(e, m, norm, links)

    return convolve


def dgl_engine(links: Links, members: int) -> Convolution:
    """Deep Graph Library 1.1.3 (M. Wang et al., arXiv 1909.01315)."""
    dgl = _import_dgl()
    graph = dgl.graph((links.source, links.target), num_nodes=members)
    weight = links.weight.unsqueeze(1)

    def convolve(
        e: Tensor | Repeated, project: nn.Linear, parts: Parts, norm: Norm | None
    ) -> tuple[Float[Tensor, "members hidden"], Float[Tensor, "links hidden"]]:
        e, (s, t, v) = expanded(e), parts.unbind(1)
        m = project(e).to(e.dtype) + dgl.ops.u_add_v(graph, s, t)
        gate = torch.sigmoid(m) * weight
        carried = dgl.ops.u_mul_e_sum(graph, v, gate)
        received = carried / (dgl.ops.copy_e_sum(graph, gate) + EPS)
        return received, updated(e, m, norm, links)

    return convolve


def updated(
    e: Float[Tensor, "links hidden"],
    m: Float[Tensor, "links hidden"],
    norm: Norm | None,
    links: Links,
) -> Float[Tensor, "links hidden"]:
    """e' = e + SiLU(Norm(m)); e without a norm."""
    return e if norm is None else e + silu(norm(m, links.multiplicity))


ENGINES: dict[str, Engine] = {
    "auto": auto_engine,
    "fused": fused_engine,
    "torch": torch_engine,
    "dgl": dgl_engine,
}


def engine_named(name: str) -> Engine:
    """The engine of that name.

    Raises:
        InfeasibleConfig: there is no such engine, or its library is not installed.
    """
    if name not in ENGINES:
        raise InfeasibleConfig(f"model.engine={name} is unknown: choose {', '.join(ENGINES)}")
    if name == "dgl":
        _import_dgl()
    return ENGINES[name]


def _import_dgl():  # type: ignore[no-untyped-def]
    # dgl asks for its backend when it is imported, and else writes a file into the home folder
    os.environ.setdefault("DGLBACKEND", "pytorch")
    try:
        import dgl
    except ImportError as missing:
        raise InfeasibleConfig(
            f"model.engine=dgl needs the library dgl ({missing}): `pip install dgl==1.1.3` "
            "(Python < 3.12), or use model.engine=torch, which gives the same numbers"
        ) from missing
    return dgl
