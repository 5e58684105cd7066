"""Fusion between the layers of the graph network, weighed anew for each atom."""

from jaxtyping import Float
from torch import Tensor, cat, nn

from trialsmith.fusion.after_layers import AfterLayers, Block
from trialsmith.fusion.gauge import Gauge
from trialsmith.fusion.states import AtomSlots, TextStates
from trialsmith.fusion.text_of_atom import TextOfAtom


class _Balance(Block):
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
        self.text = TextOfAtom("fusion.dynamic", *widths, nn.SiLU(), dropout)
        self.router = nn.Sequential(
            nn.Linear(2 * atom_features, hidden_dim), nn.Tanh(), nn.Linear(hidden_dim, 2)
        )
        self.norm = nn.LayerNorm(atom_features)
        self.dropout = nn.Dropout(dropout)
        self.weight_of_text = Gauge()

    def forward(
        self, atoms: Float[Tensor, "atoms hidden"], text: TextStates, slots: AtomSlots
    ) -> Float[Tensor, "atoms hidden"]:
        t = self.text(atoms, text, slots)
        w_graph, w_text = self.router(cat([atoms, t], dim=1)).softmax(1).unbind(1)
        self.weight_of_text(w_text, slots.multiplicity)
        mixed = w_graph.unsqueeze(1) * atoms + w_text.unsqueeze(1) * t
        return self.norm(atoms + self.dropout(mixed))

    def gauges(self) -> dict[str, Gauge]:
        return {"w_text": self.weight_of_text, "entropy": self.text.attention.entropy}


class Dynamic(AfterLayers):
    """After chosen ALIGNN layers, each atom weighs itself against what the text says to it.

        text_i = attention of atom i over the text's tokens
        t = W₂ Drop(SiLU(W₁ text)),   [w_graph, w_text] = softmax(R₂ tanh(R₁ [h; t]))
        h' = LN(h + Drop(w_graph h + w_text t))

    with two weights an atom. By the residual, graph and text enter as (1 + w_graph) : w_text.
    Each layer has weights of its own.

    Args:
        atom_features: width of the atoms, h and t.
        text_features: width of the tokens.
        layers: after which ALIGNN layers, counted from 1: ``2``, ``[1, 3]`` or ``"1,3"``.
        hidden_dim: width of the attention, of W₁ and of R₁.
        num_heads: heads of the attention; must divide ``hidden_dim``.
        dropout: probability.
        use: False leaves the whole part out.

    Raises:
        InfeasibleConfig: ``layers`` is not a list of different positive numbers, or
            ``num_heads`` does not divide ``hidden_dim``.
    """

    site = "dynamic"
    block = _Balance
