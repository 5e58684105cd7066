"""What each site of fusion does to the model, and what it must not do."""

import pytest
import torch
from model_inputs import (
    TEXT_WIDTH,
    WIDTH,
    assert_same_gradients,
    batch_of,
    fused,
    gradients,
    hand_made,
    model,
    settled,
    sites,
)

from trialsmith.errors import InfeasibleConfig
from trialsmith.fusion import CrossModal, FineGrained, Fusion, GatedMiddle
from trialsmith.models import ALIGNN, Absent, HashedEncoder

SMALL = {"hidden_dim": 8, "num_heads": 2, "dropout": 0.0}
SITES = {"middle": GatedMiddle, "fine_grained": FineGrained, "cross_modal": CrossModal}
EACH = pytest.mark.parametrize("name", SITES)


def only(name, **options):
    """A model with one site."""
    torch.manual_seed(0)
    return model(fusion=Fusion(**{name: SITES[name](WIDTH, TEXT_WIDTH, **(SMALL | options))}))


def other_text(batch):
    """The same crystals with other words."""
    batch.tokens = (batch.tokens * 3 + 1) % 49 + 1
    return batch


def test_without_sites_it_is_plain_alignn_whatever_the_text():
    batch, other = batch_of(hand_made()), other_text(batch_of(hand_made()))
    switched_off = Fusion(
        middle=GatedMiddle(WIDTH, TEXT_WIDTH, use=False),
        fine_grained=FineGrained(WIDTH, TEXT_WIDTH, use=False),
    )
    networks = [model(fusion=fusion) for fusion in (None, Fusion(), switched_off)]
    torch.manual_seed(0)
    textless = ALIGNN(None, Fusion(), 1, 2, 2, WIDTH, 8).double()
    textless.load_state_dict(networks[0].state_dict())
    for network in [*networks, textless]:
        assert torch.equal(network(batch), networks[0](other))
        assert {name for name, _ in network.named_parameters()} == {
            name for name, _ in networks[0].named_parameters()
        }


@EACH
def test_text_matters_at_every_site(name):
    network = settled(only(name), batch_of(hand_made()))
    before, after = network(batch_of(hand_made())), network(other_text(batch_of(hand_made())))
    assert ((before - after).abs() > 1e-6).all()


@EACH
def test_heads_matter_at_every_site(name):
    """The same weights with another number of heads give another answer."""
    batch = batch_of(hand_made())
    network = settled(only(name), batch)
    outputs = []
    for heads in (1, 2, 4):
        other = only(name, num_heads=heads)
        other.load_state_dict(network.state_dict())
        outputs.append(other.eval()(batch))
    for i, j in ((0, 1), (1, 2), (0, 2)):
        assert not torch.allclose(outputs[i], outputs[j], rtol=0, atol=1e-7)


@EACH
def test_dropout_matters_in_training_alone(name):
    batch = batch_of(hand_made())
    without, with_dropout = settled(only(name), batch), only(name, dropout=0.3)
    with_dropout.load_state_dict(without.state_dict())
    torch.testing.assert_close(with_dropout.eval()(batch), without(batch))
    assert not torch.allclose(with_dropout.train()(batch), without.train()(batch), atol=1e-3)


@EACH
def test_width_and_use_change_the_output(name):
    batch = batch_of(hand_made())
    outputs = [
        settled(only(name, **options), batch)(batch)
        for options in ({}, {"hidden_dim": 16}, {"use": False})
    ]
    for i, j in ((0, 1), (1, 2), (0, 2)):
        assert not torch.allclose(outputs[i], outputs[j], atol=1e-4)


@EACH
def test_every_parameter_of_a_lone_site_receives_a_gradient(name):
    batch = batch_of(hand_made(), texts=[4, 0, 9, 2, 5, 1])
    network = settled(only(name), batch)
    received = gradients(network, batch)
    assert {n for n, _ in network.named_parameters()} == {n for n, g in received.items() if g.any()}


def test_late_fusion_switched_off_joins_both_vectors():
    batch = batch_of(hand_made(), texts=[4, 0, 9, 2, 5, 1])
    network = settled(only("cross_modal", use=False), batch)
    assert network.head.in_features == 2 * 64
    received = gradients(network, batch)
    assert {n for n, _ in network.named_parameters()} == {n for n, g in received.items() if g.any()}


def test_the_layers_of_middle_fusion_matter():
    """The same gate in another place gives another answer; two gates give a third."""
    batch = batch_of(hand_made())
    network = settled(only("middle", layers=1), batch)
    weights = network.state_dict()
    moved = {k.replace("gates.1.", "gates.2."): v for k, v in weights.items()}
    outputs = [network(batch)]
    for layers, state in ((2, moved), ("1,2", weights | moved)):
        other = only("middle", layers=layers)
        other.load_state_dict(state)
        outputs.append(other.eval()(batch))
    for i, j in ((0, 1), (1, 2), (0, 2)):
        assert not torch.allclose(outputs[i], outputs[j], atol=1e-4)


@pytest.mark.parametrize(
    ("layers", "numbers"), [(2, (2,)), ([1, 3], (1, 3)), ("1,3", (1, 3)), ("2", (2,)), ((1,), (1,))]
)
def test_ways_to_write_layers(layers, numbers):
    assert GatedMiddle(WIDTH, TEXT_WIDTH, layers=layers).layers == numbers


def test_padding_of_the_text_has_no_effect():
    batch = batch_of(hand_made())
    network = settled(fused(), batch)
    before = network(batch)
    batch.tokens = torch.cat([batch.tokens, torch.full((len(batch), 5), 7)], dim=1)
    batch.token_mask = torch.nn.functional.pad(batch.token_mask, (0, 5))
    torch.testing.assert_close(network(batch), before, rtol=1e-9, atol=1e-9)


def test_absence_is_learned():
    batch = batch_of(hand_made(), texts=[0] * 6)
    network = fused()
    assert gradients(network, batch)["text.absence"].any()
    torch.manual_seed(0)
    none = ALIGNN(Absent(TEXT_WIDTH), sites(), 1, 2, 2, WIDTH, 8).double()
    assert gradients(none, batch)["text.absence"].any()


def test_attention_over_atoms_counts_a_class_as_often_as_it_has_members():
    """Fluorite has two F for each Ca: late attention must see three atoms, not two."""
    reduced, full = (batch_of(hand_made()[4:5], symmetry) for symmetry in (True, False))
    assert len(full.species) > len(reduced.species) == 2
    network = settled(only("cross_modal"), full)
    torch.testing.assert_close(network(reduced), network(full), rtol=1e-6, atol=1e-6)
    assert_same_gradients(gradients(network, reduced), gradients(network, full), 1e-5)
    reduced.atom_multiplicity = torch.ones(2, dtype=torch.float64)
    assert not torch.allclose(network(reduced), network(full), atol=1e-4)


@EACH
@pytest.mark.parametrize(
    ("heads", "width", "remedy"), [(3, 256, "2, 4 or 8"), (16, 8, "2, 4 or 8"), (0, 8, "1, 2 or 4")]
)
def test_heads_that_do_not_divide_the_width_are_refused(name, heads, width, remedy):
    with pytest.raises(InfeasibleConfig) as error:
        only(name, num_heads=heads, hidden_dim=width)
    key = f"fusion.{name}"
    assert str(error.value) == (
        f"{key}.num_heads={heads} must divide {key}.hidden_dim={width}: try {remedy}"
    )
    if name != "cross_modal":
        only(name, num_heads=heads, hidden_dim=width, use=False)  # not built, so not refused


@pytest.mark.parametrize("layers", [0, "0,1", [], "", "first", [1, 1], "1,,2"])
def test_layers_that_are_not_layers_are_refused(layers):
    with pytest.raises(InfeasibleConfig, match=r"fusion\.middle\.layers=.* counted from 1"):
        GatedMiddle(WIDTH, TEXT_WIDTH, layers=layers)


def test_a_layer_that_the_model_lacks_is_refused():
    with pytest.raises(
        InfeasibleConfig, match=r"fusion\.middle\.layers=1,3 .* model\.alignn_layers=2"
    ):
        only("middle", layers=[1, 3])


def test_sites_that_do_not_fit_the_model_are_refused():
    with pytest.raises(InfeasibleConfig, match=r"fusion\.middle\.atom_features=5 must equal .*16"):
        model(fusion=Fusion(middle=GatedMiddle(5, TEXT_WIDTH)))
    with pytest.raises(InfeasibleConfig, match=r"fusion\.middle\.text_features=5 must equal .*8"):
        model(fusion=Fusion(middle=GatedMiddle(WIDTH, 5)))
    with pytest.raises(InfeasibleConfig, match="needs a text encoder"):
        ALIGNN(None, sites())


def test_a_text_that_nothing_reads_is_not_trained():
    assert not any(isinstance(part, HashedEncoder) for part in model().modules())
    assert any(isinstance(part, HashedEncoder) for part in fused().modules())
