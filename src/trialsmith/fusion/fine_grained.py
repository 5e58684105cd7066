"""Attention between single atoms and single tokens."""

from jaxtyping import Float
from torch import Tensor, nn

from trialsmith.fusion.attention import Reading
from trialsmith.fusion.gauge import Gauge, Place
from trialsmith.fusion.states import AtomSlots, TextStates


class FineGrained(nn.Module):
    """After the last layer, atoms read the tokens and tokens read the atoms, both at once.

        h' = LN(h + Drop(W_h Attention(h; τ))),   τ' = LN(τ + Drop(W_τ Attention(τ; h)))

    for atoms h and tokens τ. Atoms count by their multiplicity; the pooled text state is the mean
    of the new tokens.

    Args:
        atom_features: width of the atoms.
        text_features: width of the tokens.
        hidden_dim: width of the attention.
        num_heads: heads; must divide ``hidden_dim``.
        dropout: probability.
        use: False leaves the whole part out.

    Raises:
        InfeasibleConfig: ``num_heads`` does not divide ``hidden_dim``.
    """

    tokens: Reading | None

    def __init__(
        self,
        atom_features: int,
        text_features: int,
        hidden_dim: int = 256,
        num_heads: int = 8,
        dropout: float = 0.1,
        use: bool = True,
    ) -> None:
        super().__init__()
        self.use = use
        self.atom_features, self.text_features = atom_features, text_features
        if not use:
            return
        site, size = "fusion.fine_grained", (hidden_dim, num_heads, dropout)
        self.atoms = Reading(site, atom_features, text_features, *size)
        self.tokens = Reading(site, text_features, atom_features, *size)

    def forget_tokens(self) -> None:
        """Leaves out the half that updates tokens: for a model that reads none afterwards."""
        self.tokens = None

    def forward(
        self, atoms: Float[Tensor, "atoms hidden"], text: TextStates, slots: AtomSlots
    ) -> tuple[Float[Tensor, "atoms hidden"], TextStates]:
        rows, tokens = slots.rows(atoms), text.rows()
        fused = slots.atoms(self.atoms(rows, tokens))
        if self.tokens is not None:
            text = TextStates.of(self.tokens(tokens, rows), text.mask, text.present)
        return fused, text

    def gauges(self) -> dict[Place, dict[str, Gauge]]:
        readers = {"atoms": self.atoms, "tokens": self.tokens}
        return {
            Place(f"fine_grained.{name}"): {"entropy": reader.attention.entropy}
            for name, reader in readers.items()
            if reader is not None
        }
