"""The one place where features travel along links: two engines that give the same numbers.

For links j→i with gates m = s_j + t_i + e and values v_j,

    hᵢ = Σⱼ wⱼᵢ σ(m) ⊙ vⱼ / (Σⱼ wⱼᵢ σ(m) + 10⁻⁶)

where w counts how often a link of a graph up to symmetry stands in the sum of its target.
"""

import os
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from trialsmith.data.batch import Links
from trialsmith.errors import InfeasibleConfig

EPS = 1e-6

# (link gate e, source gate s, target gate t, values v) → (h, m)
Messenger = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
Engine = Callable[[Links, int], Messenger]


def torch_engine(links: Links, members: int) -> Messenger:
    """Plain torch; what GPUs use."""
    source, target = links.source, links.target
    weight = links.weight.unsqueeze(1)

    def send(
        link_gate: Float[Tensor, "links hidden"],
        source_gate: Float[Tensor, "members hidden"],
        target_gate: Float[Tensor, "members hidden"],
        values: Float[Tensor, "members hidden"],
    ) -> tuple[Float[Tensor, "members hidden"], Float[Tensor, "links hidden"]]:
        m = link_gate + source_gate.index_select(0, source) + target_gate.index_select(0, target)
        gate = torch.sigmoid(m) * weight
        zeros = gate.new_zeros(members, gate.shape[1])
        carried = zeros.index_add(0, target, gate * values.index_select(0, source))
        return carried / (zeros.index_add(0, target, gate) + EPS), m

    return send


def dgl_engine(links: Links, members: int) -> Messenger:
    """Deep Graph Library 1.1.3 (M. Wang et al., arXiv 1909.01315)."""
    dgl = _import_dgl()
    graph = dgl.graph((links.source, links.target), num_nodes=members)
    weight = links.weight.unsqueeze(1)

    def send(
        link_gate: Float[Tensor, "links hidden"],
        source_gate: Float[Tensor, "members hidden"],
        target_gate: Float[Tensor, "members hidden"],
        values: Float[Tensor, "members hidden"],
    ) -> tuple[Float[Tensor, "members hidden"], Float[Tensor, "links hidden"]]:
        m = link_gate + dgl.ops.u_add_v(graph, source_gate, target_gate)
        gate = torch.sigmoid(m) * weight
        carried = dgl.ops.u_mul_e_sum(graph, values, gate)
        return carried / (dgl.ops.copy_e_sum(graph, gate) + EPS), m

    return send


ENGINES: dict[str, Engine] = {"torch": torch_engine, "dgl": dgl_engine}


def engine_named(name: str) -> Engine:
    """The engine of that name.

    Raises:
        InfeasibleConfig: there is no such engine, or its library is not installed.
    """
    if name not in ENGINES:
        raise InfeasibleConfig(f"model.engine={name} is unknown: choose {' or '.join(ENGINES)}")
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
