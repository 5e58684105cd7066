"""The edge-gated graph convolution, and the pair of them that makes a layer of ALIGNN."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from trialsmith.data.batch import Links
from trialsmith.models.linear import Linear, LinearOfAtoms
from trialsmith.models.message_passing import Convolution, Engine
from trialsmith.models.norm import make_norm
from trialsmith.models.normalised_silu import normalised_silu
from trialsmith.models.products import Repeated, expanded


@dataclass
class LinkedMembers:
    """Atoms joined by bonds, or bonds joined by angles.

    Where some are joined by none, as bonds too long for angles, ``joined`` are the others, and
    ``convolve`` is of these alone; else it is None.
    """

    multiplicity: Float[Tensor, "members"]
    joined: Int[Tensor, "joined"] | None
    convolve: Convolution

    @classmethod
    def of(
        cls, multiplicity: Float[Tensor, "members"], links: Links, engine: Engine
    ) -> "LinkedMembers":
        ends = torch.zeros_like(multiplicity, dtype=torch.bool)
        ends[links.source] = ends[links.target] = True
        joined = ends.nonzero().squeeze(1)
        if len(joined) == len(multiplicity):
            return cls(multiplicity, None, engine(links, len(multiplicity)))
        place = ends.cumsum(0) - 1
        links = replace(links, source=place[links.source], target=place[links.target])
        return cls(multiplicity, joined, engine(links, len(joined)))


class EdgeGatedConv(nn.Module):
    """Members and links update each other.

        m = W₁ hᵢ + W₂ hⱼ + W₃ e                                         for each link j→i
        hᵢ' = hᵢ + Drop(SiLU(Norm(W₄ hᵢ + Σⱼ σ(m) ⊙ W₅ hⱼ / (Σⱼ σ(m) + 10⁻⁶))))
        e' = e + SiLU(Norm(m))

    with a constant term in every W. X. Bresson, T. Laurent, arXiv 1711.07553; V. P. Dwivedi et
    al., arXiv 2003.00982; as used by ALIGNN, npj Comput. Mater. 7, 185 (2021), eqs. 1–3.

    Args:
        features: width of members and links.
        norm: ``batch`` or ``layer``.
        dropout: probability.
        update_links: False returns the links as they came, and has no weights for their norm.
        linear: what maps the members.
    """

    def __init__(
        self,
        features: int,
        norm: str,
        dropout: float,
        update_links: bool = True,
        linear: type[nn.Linear] = Linear,
    ) -> None:
        super().__init__()
        self.sent = linear(features, 3 * features)  # W₂, W₁ and W₅
        self.kept = linear(features, features)  # W₄
        self.links = nn.Linear(features, features)  # W₃
        self.member_norm = make_norm(norm, features)
        self.link_norm = make_norm(norm, features) if update_links else None
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        h: Float[Tensor, "members hidden"],
        e: Tensor | Repeated,
        graph: LinkedMembers,
    ) -> tuple[Float[Tensor, "members hidden"], Tensor | Repeated]:
        # in mixed precision the products are in bfloat16; sums and norms keep the members' own type
        joined = graph.joined
        senders = h if joined is None else h.index_select(0, joined)
        parts = self.sent(senders).to(h.dtype).unflatten(1, (3, -1))
        r, e = graph.convolve(e, self.links, parts, self.link_norm)
        u = self.kept(h).to(h.dtype)
        taken = u + r if joined is None else u.index_add_(0, joined, r)
        if self.dropout.training and self.dropout.p:
            update = normalised_silu(self.member_norm, taken, graph.multiplicity)
            return h + self.dropout(update), e
        return normalised_silu(self.member_norm, taken, graph.multiplicity, h), e


class ALIGNNLayer(nn.Module):
    """Atoms h, bonds e and angles a: ``h, e = Conv(h, e)``, then ``e, a = Conv(e, a)``.

    Args:
        features: width of atoms, bonds and angles.
        norm: ``batch`` or ``layer``.
        dropout: probability.
        line_graph_first: the two convolutions in the other order.
        update_angles: False in the last layer, whose angles nothing reads.
    """

    def __init__(
        self,
        features: int,
        norm: str,
        dropout: float,
        line_graph_first: bool = False,
        update_angles: bool = True,
    ) -> None:
        super().__init__()
        self.line_graph_first = line_graph_first
        self.atoms_bonds = EdgeGatedConv(features, norm, dropout, linear=LinearOfAtoms)
        self.bonds_angles = EdgeGatedConv(features, norm, dropout, update_links=update_angles)

    def forward(
        self,
        h: Float[Tensor, "atoms hidden"],
        e: Tensor | Repeated,
        a: Tensor | Repeated,
        bonds: LinkedMembers,
        angles: LinkedMembers,
    ) -> tuple[
        Float[Tensor, "atoms hidden"],
        Float[Tensor, "bonds hidden"],
        Tensor | Repeated,
    ]:
        if self.line_graph_first:
            e, a = self.bonds_angles(expanded(e), a, angles)
            h, e = self.atoms_bonds(h, e, bonds)
        else:
            h, e = self.atoms_bonds(h, e, bonds)
            e, a = self.bonds_angles(e, a, angles)
        return h, expanded(e), a
