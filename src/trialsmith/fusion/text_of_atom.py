"""What the text says to an atom."""

from jaxtyping import Float
from torch import Tensor, nn

from trialsmith.fusion.attention import CrossAttention
from trialsmith.fusion.states import AtomSlots, TextStates


class TextOfAtom(nn.Module):
    """t = W₂ Drop(φ(W₁ text)), where text is the attention of the atom over the text's tokens.

    Args:
        site: as in `CrossAttention`.
        atom_features: width of the atoms and of t.
        text_features: width of the tokens.
        hidden_dim: width of the attention and of W₁.
        num_heads: heads of the attention; must divide ``hidden_dim``.
        activation: φ.
        dropout: probability.
    """

    def __init__(
        self,
        site: str,
        atom_features: int,
        text_features: int,
        hidden_dim: int,
        num_heads: int,
        activation: nn.Module,
        dropout: float,
    ) -> None:
        super().__init__()
        self.attention = CrossAttention(site, atom_features, text_features, hidden_dim, num_heads)
        self.transform = nn.Sequential(
            nn.Linear(hidden_dim, hidden_dim),
            activation,
            nn.Dropout(dropout),
            nn.Linear(hidden_dim, atom_features),
        )

    def forward(
        self, atoms: Float[Tensor, "atoms hidden"], text: TextStates, slots: AtomSlots
    ) -> Float[Tensor, "atoms hidden"]:
        return self.transform(slots.atoms(self.attention(slots.rows(atoms), text.rows())))
