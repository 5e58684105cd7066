"""ALIGNN: a graph network on a crystal's bonds and on the angles between them."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from trialsmith.data.batch import CrystalBatch
from trialsmith.errors import InfeasibleConfig
from trialsmith.fusion import AtomSlots, Fusion, TextStates
from trialsmith.models.edge_gated import ALIGNNLayer, EdgeGatedConv, LinkedMembers
from trialsmith.models.elements import FEATURES, check_known, element_features
from trialsmith.models.embedding import Embedding, NumberEmbedding
from trialsmith.models.linear import LinearOfAtoms
from trialsmith.models.message_passing import engine_named
from trialsmith.models.text import TextEncoder

LENGTHS = (0.0, 8.0)  # Å; the range of the Gaussians
COSINES = (-1.0, 1.0)


class ALIGNN(nn.Module):
    """Atomistic line graph neural network, with a crystal's text fused in where asked.

    For atoms h, bonds e and angles a:

        h = Embed(elements),   e = Embed(Embed(RBF(length))),   a = Embed(Embed(RBF(cos θ)))
        ALIGNN layer (× alignn_layers):  h, e = Conv(h, e);  e, a = Conv(e, a)
        GCN layer (× gcn_layers):        h, e = Conv(h, e)
        y = W mean(h)

    with Embed(x) = SiLU(Norm(W x)) and Conv as in `EdgeGatedConv`. K. Choudhary, B. DeCost,
    npj Comput. Mater. 7, 185 (2021).

    As the published code and unlike the paper's text, an ALIGNN layer updates atoms first and
    then bonds; ``line_graph_first`` takes the paper's order. Unlike the published code, what
    nothing reads afterwards is not computed and has no weights: the angles after the last
    Conv(e, a), the bonds after the last Conv(h, e). Every sum, mean and norm honours
    multiplicities, so that a graph up to symmetry gives the numbers of the full graph.

    Conv takes a gated mean, in which bonds only weigh neighbours. Atoms of one element begin equal
    and so stay equal: y does not tell structures of an element apart, but for the 10⁻⁶ in Conv. So
    it is in the published model.

    Args:
        text: encoder of the text; built in only when ``fusion`` has a site that reads it.
        fusion: where the text enters; None or one without sites: plain ALIGNN.
        outputs: number of targets.
        alignn_layers: layers on bonds and angles; at least 1.
        gcn_layers: layers on bonds alone; at least 1.
        hidden_features: width of atoms, bonds and angles.
        embedding_features: width between the two embeddings of bonds and of angles.
        edge_input_features: Gaussians for the bond length, over 0–8 Å.
        triplet_input_features: Gaussians for the angle's cosine, over -1…1.
        dropout: probability, on what a convolution adds to its members. On a graph up to symmetry
            equal members are dropped together, which is a stronger noise than on the full graph.
        norm: ``batch``, as the published ALIGNN, or ``layer``, as its later atom-wise forms.
        engine: what carries messages: ``fused`` (for CPUs), ``torch``, ``dgl``, or ``auto``:
            ``fused`` on a CPU and ``torch`` elsewhere. The same numbers.
        line_graph_first: update bonds before atoms in an ALIGNN layer.

    Raises:
        InfeasibleConfig: values that cannot stand together.
    """

    elements: Tensor

    def __init__(
        self,
        text: TextEncoder | None = None,
        fusion: Fusion | None = None,
        outputs: int = 1,
        alignn_layers: int = 4,
        gcn_layers: int = 4,
        hidden_features: int = 256,
        embedding_features: int = 64,
        edge_input_features: int = 80,
        triplet_input_features: int = 40,
        dropout: float = 0.0,
        norm: str = "batch",
        engine: str = "auto",
        line_graph_first: bool = False,
    ) -> None:
        super().__init__()
        _check_sizes(
            alignn_layers=alignn_layers,
            gcn_layers=gcn_layers,
            hidden_features=hidden_features,
            embedding_features=embedding_features,
            edge_input_features=edge_input_features,
            triplet_input_features=triplet_input_features,
        )
        if not (isinstance(dropout, int | float) and 0 <= dropout <= 1):
            raise InfeasibleConfig(f"model.dropout={dropout} must be from 0 to 1: try 0.1")
        self.fusion = fusion if fusion is not None else Fusion()
        self.fusion.check(alignn_layers, hidden_features, text.features if text else None)
        self.text = text if self.fusion.uses_text else None
        self._engine = engine_named(engine)
        self.register_buffer("elements", element_features(), persistent=False)

        widths = (embedding_features, hidden_features)
        self.atom_embedding = Embedding(FEATURES, hidden_features, norm, LinearOfAtoms)
        self.bond_embedding = NumberEmbedding(LENGTHS, edge_input_features, widths, norm)
        self.angle_embedding = NumberEmbedding(COSINES, triplet_input_features, widths, norm)
        layer = (hidden_features, norm, dropout)
        self.alignn_layers = nn.ModuleList(
            ALIGNNLayer(*layer, line_graph_first, update_angles=n < alignn_layers)
            for n in range(1, alignn_layers + 1)
        )
        self.gcn_layers = nn.ModuleList(
            EdgeGatedConv(*layer, update_links=n < gcn_layers, linear=LinearOfAtoms)
            for n in range(1, gcn_layers + 1)
        )
        self.head = nn.Linear(self.fusion.out_features(hidden_features), outputs)

    def forward(self, batch: CrystalBatch) -> Float[Tensor, "crystals outputs"]:
        """Predictions, in whatever unit the loss compares them with.

        Raises:
            DataError: an atomic number beyond those with known features.
        """
        return self.with_auxiliary_loss(batch)[0]

    def with_auxiliary_loss(
        self, batch: CrystalBatch
    ) -> tuple[Float[Tensor, "crystals outputs"], Float[Tensor, ""] | None]:
        """Predictions, and what the fusion adds to their loss in training, if anything."""
        check_known(batch.species)
        weights = (batch.atom_multiplicity, batch.bonds.multiplicity, batch.angles.multiplicity)
        bonds = LinkedMembers.of(weights[0], batch.bonds, self._engine)
        angles = LinkedMembers.of(weights[1], batch.angles, self._engine)
        text = self._read_text(batch)

        h = self.atom_embedding(self.elements[batch.species], weights[0])
        e = self.bond_embedding.of_distinct(batch.bond_length, weights[1])
        a = self.angle_embedding.of_distinct(batch.angle_cosine, weights[2])
        for number, layer in enumerate(self.alignn_layers, start=1):
            h, e, a = layer(h, e, a, bonds, angles)
            if text is not None:
                h = self.fusion.after_layer(number, h, *text)
        for layer in self.gcn_layers:
            h, e = layer(h, e, bonds)

        if text is None:
            return self._predict(mean_over_atoms(h, batch)), None
        given, slots = text
        h, states = self.fusion.after_graph(h, given, slots)
        readout = mean_over_atoms(h, batch)
        vector = self.fusion.after_readout(readout, h, states, slots)
        return self._predict(vector), self.fusion.auxiliary_loss(readout, given)

    def _predict(self, vector: Float[Tensor, "crystals out"]) -> Float[Tensor, "crystals outputs"]:
        # in mixed precision too, a prediction is not rounded to the 8 bits of a bfloat16
        with torch.autocast(vector.device.type, enabled=False):
            return self.head(vector.to(self.head.weight.dtype))

    def _read_text(self, batch: CrystalBatch) -> tuple[TextStates, AtomSlots] | None:
        if self.text is None:
            return None
        slots = AtomSlots.of(batch.crystal, batch.atom_multiplicity, len(batch))
        return self.text(batch.tokens, batch.token_mask), slots


def mean_over_atoms(
    h: Float[Tensor, "atoms hidden"], batch: CrystalBatch
) -> Float[Tensor, "crystals hidden"]:
    """Each crystal's mean over the atoms of its full graph."""
    weight = batch.atom_multiplicity.to(h.dtype).unsqueeze(1)
    total = h.new_zeros(len(batch), 1).index_add(0, batch.crystal, weight)
    summed = h.new_zeros(len(batch), h.shape[1]).index_add(0, batch.crystal, h * weight)
    return summed / total


def _check_sizes(**sizes: int) -> None:
    for key, size in sizes.items():
        least = 2 if key.endswith("input_features") else 1  # one Gaussian has no spacing
        if size < least:
            raise InfeasibleConfig(f"model.{key}={size} must be at least {least}")
