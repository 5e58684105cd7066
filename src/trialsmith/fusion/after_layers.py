"""Fusion between the layers of the graph network."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, cast

from jaxtyping import Float
from torch import Tensor, nn

from trialsmith.errors import InfeasibleConfig
from trialsmith.fusion.gauge import Gauge, Place
from trialsmith.fusion.states import AtomSlots, TextStates


class Block(nn.Module, ABC):
    """What happens to the atoms after one layer.

    Made with ``atom_features, text_features, hidden_dim, num_heads, dropout``.
    """

    @abstractmethod
    def forward(
        self, atoms: Float[Tensor, "atoms hidden"], text: TextStates, slots: AtomSlots
    ) -> Float[Tensor, "atoms hidden"]: ...

    @abstractmethod
    def gauges(self) -> dict[str, Gauge]:
        """Where to look, by what is seen there."""


class AfterLayers(nn.Module):
    """After each of the chosen ALIGNN layers stands a block with weights of its own.

    A site says what its block is, and its own name in `Fusion`.

    Args:
        atom_features: width of the atoms.
        text_features: width of the tokens.
        layers: counted from 1: ``2``, ``[1, 3]`` or ``"1,3"``.
        hidden_dim: width of what the block hides.
        num_heads: heads of its attention; must divide ``hidden_dim``.
        dropout: probability.
        use: False leaves the whole part out.

    Raises:
        InfeasibleConfig: ``layers`` is not a list of different positive numbers, or
            ``num_heads`` does not divide ``hidden_dim``.
    """

    site: ClassVar[str]
    block: ClassVar[Callable[..., Block]]  # of the widths, the heads and the dropout

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
        self.layers = _layer_numbers(self.site, layers) if use else ()
        options = (atom_features, text_features, hidden_dim, num_heads, dropout)
        self.blocks = nn.ModuleDict({str(layer): self.block(*options) for layer in self.layers})

    def forward(
        self,
        layer: int,
        atoms: Float[Tensor, "atoms hidden"],
        text: TextStates,
        slots: AtomSlots,
    ) -> Float[Tensor, "atoms hidden"]:
        """The atoms as they leave ALIGNN layer ``layer``, fused if it is one of `layers`."""
        return self.blocks[str(layer)](atoms, text, slots) if layer in self.layers else atoms

    def gauges(self) -> dict[Place, dict[str, Gauge]]:
        """Where to look, by place and by what is seen there."""
        blocks = {layer: cast(Block, self.blocks[str(layer)]) for layer in self.layers}
        return {Place(self.site, layer): block.gauges() for layer, block in blocks.items()}

    def check_layers(self, alignn_layers: int) -> None:
        """Whether a model with so many layers has those of the site.

        Raises:
            InfeasibleConfig: it has not.
        """
        if self.layers and max(self.layers) > alignn_layers:
            raise InfeasibleConfig(
                f"fusion.{self.site}.layers={','.join(map(str, self.layers))} names a layer that "
                f"the model lacks: model.alignn_layers={alignn_layers}, counted from 1"
            )


def _layer_numbers(site: str, layers: int | str | Sequence[int]) -> tuple[int, ...]:
    entries = layers.split(",") if isinstance(layers, str) else layers
    if not isinstance(entries, Sequence):
        entries = [entries]
    # a number is whole as it stands: 1.7 and true are no layers
    texts = [str(n).strip() for n in entries]
    numbers = tuple(int(text) for text in texts) if all(map(str.isdecimal, texts)) else ()
    if not numbers or min(numbers) < 1 or len(set(numbers)) < len(numbers):
        raise InfeasibleConfig(
            f"fusion.{site}.layers={layers} must be different layers counted from 1: "
            f'write 2, [1,3] or "1,3"; to fuse nowhere set fusion.{site}.use=false'
        )
    return numbers
