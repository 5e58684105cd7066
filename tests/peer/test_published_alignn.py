"""The same weights on the same graph give the numbers of the published `alignn` package.

`make test-peer` installs it into an environment of its own. Compared are its `ALIGNN` (batch
norm, on DGL) and its `ALIGNNAtomWisePure` (layer norm, plain torch), and the features of elements.
"""

import pytest
import torch
from model_inputs import assert_same_gradients, double, gradients, hand_made, real
from torch import nn

from benchmarks.peer.published import PublishedBatchNorm, PublishedLayerNorm, translated
from trialsmith.data.batch import collate
from trialsmith.graph import GraphBuilder, Structure
from trialsmith.models import ALIGNN
from trialsmith.models.elements import LAST, element_features

pytestmark = [
    pytest.mark.peer,
    pytest.mark.filterwarnings("ignore"),  # theirs
]
pytest.importorskip("alignn", reason="the published alignn is not installed: make test-peer")

SIZES = {"alignn_layers": 3, "gcn_layers": 2, "hidden_features": 64, "embedding_features": 16}


def assert_equal_to(kind: type[nn.Module], structures: list[Structure]) -> None:
    if kind.norm == "batch":
        pytest.importorskip("dgl", reason="its ALIGNN runs on DGL")
    torch.manual_seed(0)
    published = kind(**SIZES)
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
    assert_equal_to(published, hand_made())


@PUBLISHED
def test_equal_weights_give_equal_numbers_on_real_crystals(shared, published):
    assert_equal_to(published, real(shared, 30))


def test_features_of_elements_are_theirs():
    specie = pytest.importorskip("jarvis.core.specie", reason="jarvis-tools is not installed")
    from ase.data import chemical_symbols

    theirs = [
        specie.get_node_attributes(chemical_symbols[z], atom_features="cgcnn")
        for z in range(1, LAST + 1)
    ]
    assert torch.equal(element_features()[1:], torch.tensor(theirs, dtype=torch.float32))
