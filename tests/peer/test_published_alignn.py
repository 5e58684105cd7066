"""The same weights on the same graph give the numbers of the published `alignn` package.

`make test-peer` installs it into an environment of its own. Compared are its `ALIGNN` (batch
norm, on DGL) and its `ALIGNNAtomWisePure` (layer norm, plain torch), and the features of elements.
What it computes and nothing reads — the angles after the last update of bonds, and the bonds after
the last layer — has no counterpart here.
"""

import re

import pytest
import torch
from model_inputs import assert_same_gradients, double, gradients, hand_made, real
from torch import Tensor, nn

from trialsmith.data.batch import CrystalBatch, collate
from trialsmith.graph import GraphBuilder, Structure
from trialsmith.models import ALIGNN
from trialsmith.models.elements import LAST, element_features

pytestmark = [
    pytest.mark.peer,
    pytest.mark.filterwarnings("ignore"),  # theirs
]
pytest.importorskip("alignn", reason="the published alignn is not installed: make test-peer")

SIZES = {"alignn_layers": 3, "gcn_layers": 2, "hidden_features": 64, "embedding_features": 16}


class PublishedBatchNorm(nn.Module):
    """alignn.models.alignn.ALIGNN on our batch."""

    norm = "batch"

    def __init__(self) -> None:
        super().__init__()
        pytest.importorskip("dgl", reason="its ALIGNN runs on DGL")
        from alignn.models.alignn import ALIGNN as Published
        from alignn.models.alignn import ALIGNNConfig

        self.net = Published(ALIGNNConfig(name="alignn", **SIZES))

    def forward(self, batch: CrystalBatch) -> Tensor:
        import dgl

        crystal = dgl.graph((batch.bonds.source, batch.bonds.target), num_nodes=len(batch.species))
        atoms, bonds = counts(batch)
        crystal.set_batch_num_nodes(atoms)
        crystal.set_batch_num_edges(bonds)
        crystal.ndata["atom_features"] = features(batch)
        crystal.edata["r"] = displacements(batch)
        line = dgl.graph((batch.angles.source, batch.angles.target), num_nodes=len(batch.bonds))
        line.edata["h"] = batch.angle_cosine
        return self.net((crystal, line, None)).reshape(-1, 1)


class PublishedLayerNorm(nn.Module):
    """alignn.models.alignn_atomwise_pure.ALIGNNAtomWisePure on our batch."""

    norm = "layer"

    def __init__(self) -> None:
        super().__init__()
        from alignn.models.alignn_atomwise_pure import (
            ALIGNNAtomWisePure,
            ALIGNNAtomWisePureConfig,
        )

        plain = {
            "atom_input_features": 92,
            "calculate_gradient": False,
            "energy_mult_natoms": False,
            "use_penalty": False,
            "lg_on_fly": False,  # take the cosines that we give
        }
        config = ALIGNNAtomWisePureConfig(name="alignn_atomwise_pure", **SIZES, **plain)
        self.net = ALIGNNAtomWisePure(config)

    def forward(self, batch: CrystalBatch) -> Tensor:
        from alignn.torch_graph_builder import TorchGraph

        atoms, bonds = counts(batch)
        crystal = TorchGraph(
            num_nodes=len(batch.species),
            src=batch.bonds.source,
            dst=batch.bonds.target,
            ndata={"atom_features": features(batch)},
            edata={"r": displacements(batch)},
            batch_num_nodes=atoms,
            batch_num_edges=bonds,
        )
        line = TorchGraph(
            num_nodes=len(batch.bonds),
            src=batch.angles.source,
            dst=batch.angles.target,
            ndata={},
            edata={"h": batch.angle_cosine},
        )
        return self.net((crystal, line, None))["out"].reshape(-1, 1)


def counts(batch: CrystalBatch) -> tuple[Tensor, Tensor]:
    """Atoms and bonds of each crystal."""
    of_bond = batch.crystal[batch.bonds.target]
    return torch.bincount(batch.crystal), torch.bincount(of_bond, minlength=len(batch))


def features(batch: CrystalBatch) -> Tensor:
    return element_features()[batch.species].to(batch.bond_length.dtype)


def displacements(batch: CrystalBatch) -> Tensor:
    """Vectors of the right length: all that they read of a bond beside its angles."""
    return torch.nn.functional.pad(batch.bond_length[:, None], (0, 2))


def our_name(name: str) -> str:
    """Where a weight of theirs stands in our model; convolutions' four joined ones aside."""
    for theirs, ours in [
        (r"^net\.", ""),
        (r"^edge_embedding\.1", "bond_embedding.narrow"),
        (r"^edge_embedding\.2", "bond_embedding.wide"),
        (r"^angle_embedding\.1", "angle_embedding.narrow"),
        (r"^angle_embedding\.2", "angle_embedding.wide"),
        (r"embedding(.*)\.layer\.0", r"embedding\1.linear"),
        (r"embedding(.*)\.layer\.1", r"embedding\1.norm"),
        (r"node_update", "atoms_bonds"),
        (r"edge_update", "bonds_angles"),
        (r"edge_gate", "links"),
        (r"bn_nodes", "member_norm"),
        (r"bn_edges", "link_norm"),
        (r"^fc\.", "head."),
    ]:
        name = re.sub(theirs, ours, name)
    return name


def translated(theirs: dict[str, Tensor], ours: ALIGNN) -> dict[str, Tensor]:
    """Their weights, running statistics or gradients under our names, joined as ours are."""
    result = {}
    for name, value in theirs.items():
        if joined := re.match(r"(.*)\.src_gate\.(weight|bias)", name):
            conv, kind = joined.groups()
            parts = ("src_gate", "dst_gate", "dst_update", "src_update")
            key = f"{our_name(conv)}.members.{kind}"
            result[key] = torch.cat([theirs[f"{conv}.{part}.{kind}"] for part in parts])
        else:
            result[our_name(name)] = value
    return {name: value for name, value in result.items() if name in ours.state_dict()}


def assert_equal_to(published: nn.Module, structures: list[Structure]) -> None:
    ours = ALIGNN(norm=published.norm, **SIZES)
    weights = translated(published.state_dict(), ours)
    assert weights.keys() == ours.state_dict().keys()
    ours.load_state_dict(weights)
    full, reduced = (
        collate([GraphBuilder(symmetry=symmetry)(s) for s in structures])
        for symmetry in (False, True)
    )
    single, full, reduced = full, double(full), double(reduced)
    # in float64, rounding does not hide a difference; their widths of Gaussians stay in float32
    published.double()
    ours.double()
    for mode in (True, False):
        published.train(mode)
        ours.train(mode)
        torch.testing.assert_close(ours(full), published(full), rtol=1e-6, atol=1e-6)
        theirs = translated(gradients(published, full), ours)
        assert_same_gradients(gradients(ours, full), theirs, 1e-6)
        for name, value in translated(dict(published.named_buffers()), ours).items():
            torch.testing.assert_close(ours.get_buffer(name), value, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(ours(reduced), published(full), rtol=1e-5, atol=1e-5)
    published.float()
    ours.float()
    torch.testing.assert_close(ours(single), published(single), rtol=1e-5, atol=1e-5)


PUBLISHED = pytest.mark.parametrize("published", [PublishedBatchNorm, PublishedLayerNorm])


@PUBLISHED
def test_equal_weights_give_equal_numbers(published):
    torch.manual_seed(0)
    assert_equal_to(published(), hand_made())


@PUBLISHED
def test_equal_weights_give_equal_numbers_on_real_crystals(shared, published):
    torch.manual_seed(0)
    assert_equal_to(published(), real(shared, 30))


def test_features_of_elements_are_theirs():
    specie = pytest.importorskip("jarvis.core.specie", reason="jarvis-tools is not installed")
    from ase.data import chemical_symbols

    theirs = [
        specie.get_node_attributes(chemical_symbols[z], atom_features="cgcnn")
        for z in range(1, LAST + 1)
    ]
    assert torch.equal(element_features()[1:], torch.tensor(theirs, dtype=torch.float32))
