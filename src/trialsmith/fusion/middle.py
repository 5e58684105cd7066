"""Fusion between the layers of the graph network."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, cat, nn

from trialsmith.errors import InfeasibleConfig
from trialsmith.fusion.attention import CrossAttention
from trialsmith.fusion.states import AtomSlots, TextStates


class GatedMiddle(nn.Module):
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

    def __init__(
        self,
        atom_features: int,
        text_features: int,
        layers: int | str | Sequence[int] = (2,),
        hidden_dim: int = 128,
        num_heads: int = 2,
        dropout: float = 0.1,
        use: bool = True,
    ) -> None:
        super().__init__()
        self.use = use
        self.atom_features, self.text_features = atom_features, text_features
        self.layers = _layer_numbers(layers) if use else ()
        self.gates = nn.ModuleDict(
            {
                str(layer): _TextGate(atom_features, text_features, hidden_dim, num_heads, dropout)
                for layer in self.layers
            }
        )

    def forward(
        self,
        layer: int,
        atoms: Float[Tensor, "atoms hidden"],
        text: TextStates,
        slots: AtomSlots,
    ) -> Float[Tensor, "atoms hidden"]:
        """The atoms as they leave ALIGNN layer ``layer``, fused if it is one of `layers`."""
        return self.gates[str(layer)](atoms, text, slots) if layer in self.layers else atoms


class _TextGate(nn.Module):
    def __init__(
        self,
        atom_features: int,
        text_features: int,
        hidden_dim: int,
        num_heads: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.attention = CrossAttention(
            "fusion.middle", atom_features, text_features, hidden_dim, num_heads
        )
        self.transform = nn.Sequential(
            nn.Linear(hidden_dim, hidden_dim),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_dim, atom_features),
        )
        self.gate = nn.Linear(2 * atom_features, atom_features)
        self.norm = nn.LayerNorm(atom_features)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, atoms: Float[Tensor, "atoms hidden"], text: TextStates, slots: AtomSlots
    ) -> Float[Tensor, "atoms hidden"]:
        read = slots.atoms(self.attention(slots.table(atoms), text.tokens, text.bias))
        t = self.transform(read)
        g = self.gate(cat([atoms, t], dim=1)).sigmoid()
        return self.dropout(self.norm(atoms + g * t))


def _layer_numbers(layers: int | str | Sequence[int]) -> tuple[int, ...]:
    entries = layers.split(",") if isinstance(layers, str) else layers
    try:
        numbers = tuple(int(n) for n in (entries if not isinstance(entries, int) else [entries]))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 1 or len(set(numbers)) < len(numbers):
        raise InfeasibleConfig(
            f"fusion.middle.layers={layers} must be different layers counted from 1: "
            'write 2, [1,3] or "1,3"; to fuse nowhere set fusion.middle.use=false'
        )
    return numbers
