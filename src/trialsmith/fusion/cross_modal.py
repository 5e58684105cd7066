"""Late fusion: the crystal's vector and the text's vector meet before the head."""

from jaxtyping import Float
from torch import Tensor, cat, nn

from trialsmith.fusion.attention import Reading
from trialsmith.fusion.gauge import Gauge, Place
from trialsmith.fusion.projection import ProjectionHead
from trialsmith.fusion.states import AtomSlots, Rows, TextStates


class CrossModal(nn.Module):
    """Graph and text vectors, projected, read the other side's parts; the head sees both.

        g = P_g(readout),   t = P_t(pooled)
        g' = LN(g + Drop(W_g Attention(g; tokens))),   t' = LN(t + Drop(W_t Attention(t; atoms)))
        vector = [g'; t'],   or [g; t] with ``use=False``

    P: `ProjectionHead`. The keys are tokens and atoms: with a single pooled vector as the only key
    every attention weight would be one. Atoms count by their multiplicity.

    Args:
        atom_features: width of the atoms and of their readout.
        text_features: width of the tokens and of the pooled state.
        projection_features: width of g and t.
        hidden_dim: width of the attention.
        num_heads: heads; must divide ``hidden_dim``.
        dropout: probability, in the attention's residual and in P.
        use: False leaves the attention out and keeps both vectors.

    Raises:
        InfeasibleConfig: ``num_heads`` does not divide ``hidden_dim``.
    """

    def __init__(
        self,
        atom_features: int,
        text_features: int,
        projection_features: int = 64,
        hidden_dim: int = 256,
        num_heads: int = 4,
        dropout: float = 0.1,
        use: bool = True,
    ) -> None:
        super().__init__()
        self.use = use
        self.atom_features, self.text_features = atom_features, text_features
        self.out_features = 2 * projection_features
        self.graph = ProjectionHead(atom_features, projection_features, dropout)
        self.text = ProjectionHead(text_features, projection_features, dropout)
        if use:
            site, size = "fusion.cross_modal", (hidden_dim, num_heads, dropout)
            self.graph_reads = Reading(site, projection_features, text_features, *size)
            self.text_reads = Reading(site, projection_features, atom_features, *size)

    def forward(
        self,
        readout: Float[Tensor, "crystals hidden"],
        atoms: Float[Tensor, "atoms hidden"],
        text: TextStates,
        slots: AtomSlots,
    ) -> Float[Tensor, "crystals out"]:
        graph, words = self.graph(readout), self.text(text.pooled)
        if self.use:
            graph, words = (
                self.graph_reads(Rows.single(graph), text.rows()).squeeze(1),
                self.text_reads(Rows.single(words), slots.rows(atoms)).squeeze(1),
            )
        return cat([graph, words], dim=1)

    def gauges(self) -> dict[Place, dict[str, Gauge]]:
        if not self.use:
            return {}
        return {
            Place("cross_modal.graph"): {"entropy": self.graph_reads.attention.entropy},
            Place("cross_modal.text"): {"entropy": self.text_reads.attention.entropy},
        }
