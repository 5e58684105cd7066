"""Where single fusions stand, what they refuse, and how they differ from each other."""

import pytest
import torch
from fusions import EXTRA, SITES, network, other_text, site
from model_inputs import TEXT_WIDTH, WIDTH, batch_of, fused, gradients, hand_made, model, settled
from model_inputs import sites as all_sites

from trialsmith.errors import InfeasibleConfig
from trialsmith.fusion import AtomSlots, CrossModal, Dynamic, Fusion, GatedMiddle, TextStates
from trialsmith.models import ALIGNN, Absent, HashedEncoder

EACH = pytest.mark.parametrize("name", SITES)
LAYERED = pytest.mark.parametrize("name", ["middle", "dynamic"])


def test_without_sites_it_is_plain_alignn_whatever_the_text():
    batch, other = batch_of(hand_made()), other_text(batch_of(hand_made()))
    off = Fusion(**{name: site(name, use=False) for name in SITES if name != "cross_modal"})
    networks = [model(fusion=fusion) for fusion in (None, Fusion(), off)]
    torch.manual_seed(0)
    textless = ALIGNN(None, Fusion(), 1, 2, 2, WIDTH, 8).double()
    textless.load_state_dict(networks[0].state_dict())
    for plain in [*networks, textless]:
        assert torch.equal(plain(batch), networks[0](other))
        assert {name for name, _ in plain.named_parameters()} == {
            name for name, _ in networks[0].named_parameters()
        }


def test_late_fusion_switched_off_joins_both_vectors():
    batch = batch_of(hand_made(), texts=[4, 0, 9, 2, 5, 1])
    joined = settled(network("cross_modal", use=False), batch)
    assert joined.head.in_features == 2 * EXTRA["cross_modal"]["projection_features"]
    received = gradients(joined, batch)
    assert {n for n, _ in joined.named_parameters()} == {n for n, g in received.items() if g.any()}


@LAYERED
def test_the_layers_matter(name):
    """The same block in another place gives another answer; two blocks give a third."""
    batch = batch_of(hand_made())
    first = settled(network(name, layers=1), batch)
    weights = first.state_dict()
    moved = {k.replace("blocks.1.", "blocks.2."): v for k, v in weights.items()}
    outputs = [first(batch)]
    for layers, state in ((2, moved), ("1,2", weights | moved)):
        other = network(name, layers=layers)
        other.load_state_dict(state)
        outputs.append(other.eval()(batch))
    for i, j in ((0, 1), (1, 2), (0, 2)):
        assert not torch.allclose(outputs[i], outputs[j], atol=1e-4)


@LAYERED
@pytest.mark.parametrize(
    ("layers", "numbers"), [(2, (2,)), ([1, 3], (1, 3)), ("1,3", (1, 3)), ("2", (2,)), ((1,), (1,))]
)
def test_ways_to_write_layers(name, layers, numbers):
    assert site(name, layers=layers).layers == numbers


@LAYERED
@pytest.mark.parametrize("layers", [0, "0,1", [], "", "first", [1, 1], "1,,2"])
def test_layers_that_are_not_layers_are_refused(name, layers):
    with pytest.raises(InfeasibleConfig, match=rf"fusion\.{name}\.layers=.* counted from 1"):
        site(name, layers=layers)


@LAYERED
def test_a_layer_that_the_model_lacks_is_refused(name):
    with pytest.raises(
        InfeasibleConfig, match=rf"fusion\.{name}\.layers=1,3 .* model\.alignn_layers=2"
    ):
        network(name, layers=[1, 3])


def test_two_sites_after_one_layer_are_refused():
    both = {"middle": site("middle", layers="1,2"), "dynamic": site("dynamic", layers=2)}
    with pytest.raises(InfeasibleConfig, match=r"both name layer 2: .* fusion\.middle\.use=false"):
        Fusion(**both)
    Fusion(middle=site("middle", layers=2, use=False), dynamic=both["dynamic"])


def states(tokens=3):
    """A text for each of two crystals, and the places of their 2 + 1 atoms, of which one counts
    three times."""
    torch.manual_seed(0)
    mask = torch.ones(2, tokens, dtype=torch.bool)
    text = TextStates.of(torch.randn(2, tokens, TEXT_WIDTH), mask, mask.any(1))
    return text, AtomSlots.of(torch.tensor([0, 0, 1]), torch.tensor([1.0, 3.0, 1.0]), 2)


def test_gated_fusion_is_its_equation():
    torch.manual_seed(0)
    gated, (text, slots) = GatedMiddle(WIDTH, TEXT_WIDTH, layers=1).eval(), states()
    h, block = torch.randn(3, WIDTH), gated.blocks["1"]
    t = block.text(h, text, slots)
    g = torch.sigmoid(torch.cat([h, t], 1) @ block.gate.weight.T + block.gate.bias)
    torch.testing.assert_close(gated(1, h, text, slots), layer_norm(h + g * t))


def test_dynamic_fusion_is_its_equation():
    torch.manual_seed(0)
    dynamic, (text, slots) = Dynamic(WIDTH, TEXT_WIDTH, layers=1).eval(), states()
    h, block = torch.randn(3, WIDTH), dynamic.blocks["1"]
    t = block.text(h, text, slots)
    first, _, second = block.router
    scores = torch.tanh(torch.cat([h, t], 1) @ first.weight.T + first.bias) @ second.weight.T
    w = torch.exp(scores + second.bias)
    w = w / w.sum(1, keepdim=True)
    assert w.std(0).min() > 1e-4  # weights of each atom
    expected = layer_norm(h + w[:, :1] * h + w[:, 1:] * t)
    torch.testing.assert_close(dynamic(1, h, text, slots), expected)


def layer_norm(x):
    """With the weights that it begins with."""
    return (x - x.mean(1, keepdim=True)) / (x.var(1, correction=0, keepdim=True) + 1e-5).sqrt()


def test_text_none_trains_the_absence_token():
    torch.manual_seed(0)
    none = ALIGNN(Absent(TEXT_WIDTH), all_sites(), 1, 2, 2, WIDTH, 8).double()
    assert gradients(none, batch_of(hand_made()))["text.absence"].any()


def test_attention_over_atoms_counts_a_class_as_often_as_it_has_members():
    """Fluorite has two F for each Ca: late attention must see three atoms, not two."""
    reduced, full = (batch_of(hand_made()[4:5], symmetry) for symmetry in (True, False))
    assert len(full.species) > len(reduced.species) == 2
    late = settled(network("cross_modal"), full)
    torch.testing.assert_close(late(reduced), late(full), rtol=1e-6, atol=1e-6)
    reduced.atom_multiplicity = torch.ones(2, dtype=torch.float64)
    assert not torch.allclose(late(reduced), late(full), atol=1e-4)


@EACH
@pytest.mark.parametrize(
    ("heads", "width", "remedy"), [(3, 256, "2, 4 or 8"), (16, 8, "2, 4 or 8"), (0, 8, "1, 2 or 4")]
)
def test_the_refusal_of_heads_names_those_that_fit(name, heads, width, remedy):
    with pytest.raises(InfeasibleConfig) as error:
        site(name, num_heads=heads, hidden_dim=width)
    key = f"fusion.{name}"
    assert str(error.value) == (
        f"{key}.num_heads={heads} must divide {key}.hidden_dim={width}: try {remedy}"
    )
    site(name, num_heads=heads, hidden_dim=width, use=False)  # not built, so not refused


def test_sites_that_do_not_fit_the_model_are_refused():
    with pytest.raises(InfeasibleConfig, match=r"fusion\.dynamic\.atom_features=5 must equal .*16"):
        model(fusion=Fusion(dynamic=Dynamic(5, TEXT_WIDTH)))
    with pytest.raises(InfeasibleConfig, match=r"fusion\.cross_modal\.text_features=5 must .*8"):
        model(fusion=Fusion(cross_modal=CrossModal(WIDTH, 5)))
    with pytest.raises(InfeasibleConfig, match="needs a text encoder"):
        ALIGNN(None, all_sites())


def test_a_text_that_nothing_reads_is_not_trained():
    assert not any(isinstance(part, HashedEncoder) for part in model().modules())
    assert any(isinstance(part, HashedEncoder) for part in fused().modules())
