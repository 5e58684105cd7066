"""Where a crystal's text enters the graph network: up to three sites, each of its own class."""

from jaxtyping import Float
from torch import Tensor, nn

from trialsmith.errors import InfeasibleConfig
from trialsmith.fusion.cross_modal import CrossModal
from trialsmith.fusion.fine_grained import FineGrained
from trialsmith.fusion.middle import GatedMiddle
from trialsmith.fusion.states import AtomSlots, TextStates


class Fusion(nn.Module):
    """The sites in use. With none, the model is plain ALIGNN, whatever the text.

    Args:
        middle: after chosen ALIGNN layers.
        fine_grained: after the last GCN layer, atom by token.
        cross_modal: between readout and head; with ``use=False`` the two vectors are joined
            without attention, while without the site the head sees the graph alone.
    """

    middle: GatedMiddle | None
    fine_grained: FineGrained | None
    cross_modal: CrossModal | None

    def __init__(
        self,
        middle: GatedMiddle | None = None,
        fine_grained: FineGrained | None = None,
        cross_modal: CrossModal | None = None,
    ) -> None:
        super().__init__()
        self.middle = middle if middle is not None and middle.use else None
        self.fine_grained = fine_grained if fine_grained is not None and fine_grained.use else None
        self.cross_modal = cross_modal
        if self.fine_grained is not None and cross_modal is None:
            self.fine_grained.forget_tokens()

    @property
    def uses_text(self) -> bool:
        return any(self._sites().values())

    def check(self, alignn_layers: int, atom_features: int, text_features: int | None) -> None:
        """Whether the sites fit the model.

        Args:
            alignn_layers: how many the model has.
            atom_features: width of the model's atoms.
            text_features: width of the text's states; None: the model has no text.

        Raises:
            InfeasibleConfig: a site wants a layer that the model lacks, or another width.
        """
        for name, site in self._sites().items():
            if text_features is None:
                raise InfeasibleConfig(
                    f"fusion.{name} needs a text encoder and model.text is null: "
                    "choose text=hashed, text=transformer or text=none, or fusion=none"
                )
            _check_width(name, "atom_features", site.atom_features, atom_features)
            _check_width(name, "text_features", site.text_features, text_features)
        if self.middle is not None and max(self.middle.layers) > alignn_layers:
            raise InfeasibleConfig(
                f"fusion.middle.layers={','.join(map(str, self.middle.layers))} names a layer that "
                f"the model lacks: model.alignn_layers={alignn_layers}, counted from 1"
            )

    def out_features(self, atom_features: int) -> int:
        """Width of what `after_readout` returns for a readout of width ``atom_features``."""
        return atom_features if self.cross_modal is None else self.cross_modal.out_features

    def after_layer(
        self, layer: int, atoms: Float[Tensor, "atoms hidden"], text: TextStates, slots: AtomSlots
    ) -> Float[Tensor, "atoms hidden"]:
        """The atoms after ALIGNN layer ``layer``, counted from 1."""
        return atoms if self.middle is None else self.middle(layer, atoms, text, slots)

    def after_graph(
        self, atoms: Float[Tensor, "atoms hidden"], text: TextStates, slots: AtomSlots
    ) -> tuple[Float[Tensor, "atoms hidden"], TextStates]:
        """Atoms and text after the last GCN layer."""
        if self.fine_grained is None:
            return atoms, text
        return self.fine_grained(atoms, text, slots)

    def after_readout(
        self,
        readout: Float[Tensor, "crystals hidden"],
        atoms: Float[Tensor, "atoms hidden"],
        text: TextStates,
        slots: AtomSlots,
    ) -> Float[Tensor, "crystals out"]:
        """The vector of each crystal that the head sees."""
        if self.cross_modal is None:
            return readout
        return self.cross_modal(readout, atoms, text, slots)

    def _sites(self) -> dict[str, GatedMiddle | FineGrained | CrossModal]:
        sites = {
            "middle": self.middle,
            "fine_grained": self.fine_grained,
            "cross_modal": self.cross_modal,
        }
        return {name: site for name, site in sites.items() if site is not None}


def _check_width(site: str, key: str, width: int, models: int) -> None:
    if width != models:
        raise InfeasibleConfig(
            f"fusion.{site}.{key}={width} must equal the model's {models}: "
            "leave it to the interpolation that conf/fusion gives it"
        )
