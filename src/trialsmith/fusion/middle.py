"""Gated fusion between the layers of the graph network."""

from jaxtyping import Float
from torch import Tensor, cat, nn

from trialsmith.fusion.after_layers import AfterLayers, Block
from trialsmith.fusion.gauge import Gauge
from trialsmith.fusion.states import AtomSlots, TextStates
from trialsmith.fusion.text_of_atom import TextOfAtom


class _TextGate(Block):
    def __init__(
        self,
        atom_features: int,
        text_features: int,
        hidden_dim: int,
        num_heads: int,
        dropout: float,
    ) -> None:
        super().__init__()
        widths = (atom_features, text_features, hidden_dim, num_heads)
        self.text = TextOfAtom("fusion.middle", *widths, nn.ReLU(), dropout)
        self.gate = nn.Linear(2 * atom_features, atom_features)
        self.norm = nn.LayerNorm(atom_features)
        self.dropout = nn.Dropout(dropout)
        self.opening = Gauge()

    def forward(
        self, atoms: Float[Tensor, "atoms hidden"], text: TextStates, slots: AtomSlots
    ) -> Float[Tensor, "atoms hidden"]:
        t = self.text(atoms, text, slots)
        g = self.gate(cat([atoms, t], dim=1)).sigmoid()
        if self.opening.watched:
            self.opening(g.mean(1), slots.multiplicity)
        return self.dropout(self.norm(atoms + g * t))

    def gauges(self) -> dict[str, Gauge]:
        return {"gate": self.opening, "entropy": self.text.attention.entropy}


class GatedMiddle(AfterLayers):
    """After chosen ALIGNN layers, each atom takes from the text what its gates let through.

        text_i = attention of atom i over the text's tokens
        t = W₂ Drop(ReLU(W₁ text)),   g = σ(W [h; t]),   h' = Drop(LN(h + g ⊙ t))

    with one gate a channel. Each layer has weights of its own.

    Args:
        atom_features: width of the atoms, h and t.
        text_features: width of the tokens.
        layers: after which ALIGNN layers, counted from 1: ``2``, ``[1, 3]`` or ``"1,3"``.
        hidden_dim: width of the attention and of W₁.
        num_heads: heads of the attention; must divide ``hidden_dim``.
        dropout: probability.
        use: False leaves the whole part out.

    Raises:
        InfeasibleConfig: ``layers`` is not a list of different positive numbers, or
            ``num_heads`` does not divide ``hidden_dim``.
    """

    site = "middle"
    block = _TextGate
