"""Where a crystal's text enters the graph network, each way of its own class."""

from jaxtyping import Float
from torch import Tensor, nn

from trialsmith.errors import InfeasibleConfig
from trialsmith.fusion.alignment import Alignment
from trialsmith.fusion.cross_modal import CrossModal
from trialsmith.fusion.dynamic import Dynamic
from trialsmith.fusion.fine_grained import FineGrained
from trialsmith.fusion.gauge import Gauge, Place
from trialsmith.fusion.middle import GatedMiddle
from trialsmith.fusion.states import AtomSlots, TextStates


class Fusion(nn.Module):
    """The sites in use. With none, the model is plain ALIGNN, whatever the text.

    Args:
        middle: after chosen ALIGNN layers, gated.
        dynamic: after chosen ALIGNN layers, other than those of ``middle``, weighed.
        fine_grained: after the last GCN layer, atom by token.
        cross_modal: between readout and head; with ``use=False`` the two vectors are joined
            without attention, while without the site the head sees the graph alone.
        alignment: a loss, which changes no prediction.

    Raises:
        InfeasibleConfig: two sites after one layer.
    """

    middle: GatedMiddle | None
    dynamic: Dynamic | None
    fine_grained: FineGrained | None
    cross_modal: CrossModal | None
    alignment: Alignment | None

    def __init__(
        self,
        middle: GatedMiddle | None = None,
        dynamic: Dynamic | None = None,
        fine_grained: FineGrained | None = None,
        cross_modal: CrossModal | None = None,
        alignment: Alignment | None = None,
    ) -> None:
        super().__init__()
        self.middle = middle if middle is not None and middle.use else None
        self.dynamic = dynamic if dynamic is not None and dynamic.use else None
        self.fine_grained = fine_grained if fine_grained is not None and fine_grained.use else None
        self.cross_modal = cross_modal
        self.alignment = alignment if alignment is not None and alignment.use else None
        self._check_one_site_a_layer()
        if self.fine_grained is not None and cross_modal is None:
            self.fine_grained.forget_tokens()

    @property
    def uses_text(self) -> bool:
        return any(self._parts().values())

    def check(self, alignn_layers: int, atom_features: int, text_features: int | None) -> None:
        """Whether the sites fit the model.

        Args:
            alignn_layers: how many the model has.
            atom_features: width of the model's atoms.
            text_features: width of the text's states; None: the model has no text.

        Raises:
            InfeasibleConfig: a site wants a layer that the model lacks, or another width.
        """
        for name, part in self._parts().items():
            if text_features is None:
                raise InfeasibleConfig(
                    f"fusion.{name} needs a text encoder and model.text is null: "
                    "choose text=hashed, text=transformer or text=none, or fusion=none"
                )
            _check_width(name, "atom_features", part.atom_features, atom_features)
            _check_width(name, "text_features", part.text_features, text_features)
        for site in (self.middle, self.dynamic):
            if site is not None:
                site.check_layers(alignn_layers)

    def out_features(self, atom_features: int) -> int:
        """Width of what `after_readout` returns for a readout of width ``atom_features``."""
        return atom_features if self.cross_modal is None else self.cross_modal.out_features

    def after_layer(
        self, layer: int, atoms: Float[Tensor, "atoms hidden"], text: TextStates, slots: AtomSlots
    ) -> Float[Tensor, "atoms hidden"]:
        """The atoms after ALIGNN layer ``layer``, counted from 1."""
        for site in (self.middle, self.dynamic):
            if site is not None:
                atoms = site(layer, atoms, text, slots)
        return atoms

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

    def auxiliary_loss(
        self, readout: Float[Tensor, "crystals hidden"], text: TextStates
    ) -> Float[Tensor, ""] | None:
        """What is added to the loss in training; None: nothing. ``text`` as the encoder gave it:
        tokens that have read the atoms would know their crystal."""
        if self.alignment is None or not self.training:
            return None
        return self.alignment(readout, text)

    def gauges(self) -> dict[Place, dict[str, Gauge]]:
        """Where one may look at what each fused place does, by what is seen there."""
        sites = (self.middle, self.dynamic, self.fine_grained, self.cross_modal)
        return {place: seen for s in sites if s is not None for place, seen in s.gauges().items()}

    def _parts(self) -> dict[str, GatedMiddle | Dynamic | FineGrained | CrossModal | Alignment]:
        parts = {
            "middle": self.middle,
            "dynamic": self.dynamic,
            "fine_grained": self.fine_grained,
            "cross_modal": self.cross_modal,
            "alignment": self.alignment,
        }
        return {name: part for name, part in parts.items() if part is not None}

    def _check_one_site_a_layer(self) -> None:
        if self.middle is None or self.dynamic is None:
            return
        if both := set(self.middle.layers) & set(self.dynamic.layers):
            raise InfeasibleConfig(
                f"fusion.middle.layers and fusion.dynamic.layers both name layer {min(both)}: "
                "give them different layers, or set fusion.middle.use=false or "
                "fusion.dynamic.use=false"
            )


def _check_width(site: str, key: str, width: int, models: int) -> None:
    if width != models:
        raise InfeasibleConfig(
            f"fusion.{site}.{key}={width} must equal the model's {models}: "
            "leave it to the interpolation that conf/fusion gives it"
        )
