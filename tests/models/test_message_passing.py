"""Both engines do what the equation says."""

import sys

import pytest
import torch
from model_inputs import (
    assert_same_gradients,
    batch_of,
    fused,
    gradients,
    hand_made,
    model,
    real,
    settled,
)

from trialsmith.data.batch import Links
from trialsmith.errors import InfeasibleConfig
from trialsmith.models.message_passing import ENGINES, torch_engine


def test_messages_by_hand():
    """Member 0 hears from 1 (twice) and 2, and nobody else hears anything."""
    weight = torch.tensor([2.0, 1.0])
    links = Links(torch.tensor([1, 2]), torch.tensor([0, 0]), weight, weight)
    link, source, target, values = torch.randn(2, 4), *torch.randn(3, 3, 4).unbind()
    h, m = torch_engine(links, 3)(link, source, target, values)
    expected = torch.stack([link[0] + source[1], link[1] + source[2]]) + target[0]
    torch.testing.assert_close(m, expected)
    gates = m.sigmoid() * weight[:, None]
    torch.testing.assert_close(
        h[0], (gates[0] * values[1] + gates[1] * values[2]) / (gates.sum(0) + 1e-6)
    )
    assert not h[1:].any()


def assert_engines_agree(structures, symmetry, mode):
    pytest.importorskip("dgl", reason="dgl has no wheel for this Python")
    batch = batch_of(structures, symmetry)
    first, second = (settled(fused(engine=name), batch).train(mode) for name in ENGINES)
    torch.testing.assert_close(first(batch), second(batch), rtol=1e-5, atol=1e-5)
    assert_same_gradients(gradients(first, batch), gradients(second, batch), 1e-5)


@pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("symmetry", [True, False], ids=["reduced", "full"])
def test_engines_give_the_same_numbers(symmetry, mode):
    assert_engines_agree(hand_made(), symmetry, mode)


@pytest.mark.slow
@pytest.mark.parametrize("symmetry", [True, False], ids=["reduced", "full"])
def test_engines_give_the_same_numbers_on_real_crystals(shared, symmetry):
    assert_engines_agree(real(shared, 30), symmetry, mode=True)


def test_without_dgl_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "dgl", None)  # what an absent package looks like to `import`
    with pytest.raises(InfeasibleConfig, match=r"pip install dgl==1.1.3.*model.engine=torch"):
        model(engine="dgl")
