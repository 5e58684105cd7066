"""What every fusion does to the model, and what it must not do."""

import pickle
from copy import deepcopy

import numpy as np
import pytest
import torch
from fusions import NAMES, TEXTS, example, network, other_text, settled
from model_inputs import WIDTH, assert_same_gradients, batch_of, gradients, hand_made, single
from model_inputs import settled as settle

from trialsmith.errors import InfeasibleConfig
from trialsmith.graph import Structure

EACH = pytest.mark.parametrize("name", NAMES)


@EACH
def test_one_vector_a_crystal_of_the_width_that_is_announced(name):
    model, seen = settled(name), []
    model.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    out = model(example())
    assert out.shape == (len(TEXTS), 1)
    assert out.isfinite().all()
    assert seen[-1].shape == (len(TEXTS), model.fusion.out_features(WIDTH))


@EACH
def test_padding_has_no_influence(name):
    batch, model = example(), settled(name)
    before, downhill = model(batch), gradients(model, batch)
    batch.tokens = torch.cat([batch.tokens.where(batch.token_mask, 13), batch.tokens], dim=1)
    batch.token_mask = torch.nn.functional.pad(batch.token_mask, (0, batch.token_mask.shape[1]))
    torch.testing.assert_close(model(batch), before, rtol=1e-9, atol=1e-9)
    assert_same_gradients(gradients(model, batch), downhill, 1e-9)


@EACH
def test_other_crystals_have_no_influence(name):
    model, batch = settled(name), example(texts=[3] * 6)
    together = model(batch)
    for k, structure in enumerate(hand_made()):
        alone = batch_of([structure], texts=[3])
        alone.tokens = batch.tokens[k : k + 1]
        torch.testing.assert_close(model(alone)[0], together[k], rtol=1e-9, atol=1e-9)


@EACH
def test_the_order_of_atoms_has_no_influence(name):
    structures = hand_made()
    orders = [
        np.random.default_rng(k).permutation(len(s.numbers)) for k, s in enumerate(structures)
    ]
    shuffled = [
        Structure(s.numbers[o], s.positions[o], s.cell)
        for s, o in zip(structures, orders, strict=True)
    ]
    model = settled(name)
    for symmetry in (True, False):
        batch = batch_of(shuffled, symmetry, texts=TEXTS)
        torch.testing.assert_close(model(batch), model(example(symmetry)), rtol=1e-7, atol=1e-7)


@EACH
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_graph_up_to_symmetry_gives_the_numbers_of_the_full_graph(name, training):
    reduced, full = example(), example(symmetry=False)
    assert len(reduced.species) < len(full.species)
    one, other = (settled(name).train(training) for _ in range(2))
    torch.testing.assert_close(one(reduced), other(full), rtol=1e-5, atol=1e-5)
    assert_same_gradients(gradients(one, reduced), gradients(other, full), 1e-5)


@EACH
def test_the_text_matters(name):
    model = settled(name)
    before, after = model(example()), model(other_text(example()))
    changed = ((before - after).abs() > 1e-6).squeeze(1)
    assert changed.tolist() == [tokens > 0 for tokens in TEXTS]


@EACH
def test_a_crystal_without_text_has_the_absence_token(name):
    silent, model = example(texts=[0] * 6), settled(name)
    assert gradients(model, silent)["text.absence"].any()
    before = model(silent)
    with torch.no_grad():
        model.text.absence += 1
    assert ((model(silent) - before).abs() > 1e-6).all()


@EACH
def test_every_parameter_receives_a_gradient(name):
    batch, model = example(), settled(name)
    received = gradients(model, batch)
    assert {n for n, _ in model.named_parameters()} == {n for n, g in received.items() if g.any()}


@EACH
def test_heads_matter(name):
    """The same weights with another number of heads give another answer."""
    model = settled(name)
    outputs = []
    for heads in (1, 2, 4):
        other = network(name, num_heads=heads)
        other.load_state_dict(model.state_dict())
        outputs.append(other.eval()(example()))
    for i, j in ((0, 1), (1, 2), (0, 2)):
        assert not torch.allclose(outputs[i], outputs[j], rtol=0, atol=1e-7)


@EACH
def test_width_and_use_matter(name):
    outputs = [
        settle(network(name, **options), example())(example())
        for options in ({}, {"hidden_dim": 16}, {"use": False})
    ]
    for i, j in ((0, 1), (1, 2), (0, 2)):
        assert not torch.allclose(outputs[i], outputs[j], atol=1e-4)


@EACH
def test_dropout_matters_in_training_alone(name):
    batch = example()
    without, with_dropout = settled(name), network(name, dropout=0.3)
    with_dropout.load_state_dict(without.state_dict())
    torch.testing.assert_close(with_dropout.eval()(batch), without(batch))
    assert not torch.allclose(with_dropout.train()(batch), without.train()(batch), atol=1e-3)


@EACH
def test_heads_that_do_not_divide_the_width_are_refused(name):
    with pytest.raises(InfeasibleConfig, match=r"fusion\.\w+\.num_heads=3 must divide fusion"):
        network(name, num_heads=3)


@EACH
def test_watching_changes_no_number(name):
    """Nor does what watches go along with a copy, a pickle or a checkpoint."""
    plain, watched = network(name), network(name)
    seen = []
    for gauges in watched.fusion.gauges().values():
        for gauge in gauges.values():
            gauge.listener = lambda values, counts: seen.append((values, counts))
    assert gradients(plain, example()).keys() == gradients(watched, example()).keys()
    torch.testing.assert_close(
        gradients(plain, example()), gradients(watched, example()), rtol=0, atol=0
    )
    assert seen
    assert not any(tensor.requires_grad for pair in seen for tensor in pair)
    assert plain.state_dict().keys() == watched.state_dict().keys()
    count = len(seen)
    for copy in (deepcopy(watched), pickle.loads(pickle.dumps(watched)), watched.eval()):
        copy(example())
    assert len(seen) == count


@EACH
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_in_mixed_precision_it_stays_near(name, training):
    batch = single(example())
    model = settled(name).float().train(training)
    for gauges in model.fusion.gauges().values():
        for gauge in gauges.values():
            gauge.listener = lambda values, counts: None
    exact = model(batch)
    with torch.autocast("cpu", torch.bfloat16):
        rough = model(batch)
    torch.testing.assert_close(rough.float(), exact, rtol=0.1, atol=0.1)
    rough.float().sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())
