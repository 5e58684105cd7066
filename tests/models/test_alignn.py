"""The laws that ALIGNN obeys on crystals, with all fusion and without."""

import numpy as np
import pytest
import torch
from ase import Atoms
from model_inputs import (
    assert_same_gradients,
    batch_of,
    fused,
    gradients,
    hand_made,
    model,
    real,
    settled,
    single,
    structure,
    threads_of_torch,
)

from trialsmith.errors import DataError, InfeasibleConfig
from trialsmith.graph import Structure
from trialsmith.models import ALIGNN, shares
from trialsmith.models.kernels import HAS_TILES
from trialsmith.runtime import with_matmul_precision

MODELS = pytest.mark.parametrize("make", [model, fused], ids=["plain", "fused"])
NORMS = pytest.mark.parametrize("norm", ["batch", "layer"])


def assert_reduced_equals_full(structures, make, norm, mode, tolerance):
    reduced, full = batch_of(structures, symmetry=True), batch_of(structures, symmetry=False)
    assert len(reduced.angles) < len(full.angles)
    one, other = (settled(make(norm=norm), full).train(mode) for _ in range(2))
    torch.testing.assert_close(one(reduced), other(full), rtol=tolerance, atol=tolerance)
    assert_same_gradients(gradients(one, reduced), gradients(other, full), tolerance)
    for mine, theirs in zip(one.buffers(), other.buffers(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=tolerance, atol=tolerance)


@MODELS
@NORMS
@pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])
def test_graph_up_to_symmetry_gives_the_numbers_of_the_full_graph(make, norm, mode):
    assert_reduced_equals_full(hand_made(), make, norm, mode, tolerance=1e-5)


@pytest.mark.slow
@MODELS
@pytest.mark.parametrize("mode", [True, False], ids=["train", "eval"])
def test_graph_up_to_symmetry_gives_the_numbers_of_the_full_graph_on_real_crystals(
    shared, make, mode
):
    assert_reduced_equals_full(real(shared, 32), make, "batch", mode, tolerance=1e-4)


@pytest.mark.skipif(not HAS_TILES, reason="needs AMX: elsewhere the precisions are one")
@NORMS
def test_high_precision_changes_predictions_no_more_than_rounding_does(norm):
    """Three products for one leave 10⁻⁵; but for atoms they are of single precision."""
    batch = single(batch_of(hand_made() * 8, symmetry=False))
    torch.manual_seed(0)
    network = ALIGNN(norm=norm, engine="fused").train()
    with torch.no_grad():
        exact = network(batch)
        with with_matmul_precision("high"):
            found = network(batch)
    assert not torch.equal(found, exact)
    assert (found - exact).abs().max() < 3e-6 * max(1, exact.abs().max())


def permuted(s: Structure) -> Structure:
    order = np.random.default_rng(0).permutation(len(s.numbers))
    return Structure(s.numbers[order], s.positions[order], s.cell)


def rotated(s: Structure) -> Structure:
    q, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    return Structure(s.numbers, s.positions @ q, s.cell @ q)


def translated(s: Structure) -> Structure:
    return Structure(s.numbers, s.positions + np.array([0.3, -1.7, 12.1]), s.cell)


def other_lattice_vectors(s: Structure) -> Structure:
    return Structure(s.numbers, s.positions, np.array([[1, 1, 0], [0, 1, 0], [0, -1, 1]]) @ s.cell)


def supercell(s: Structure) -> Structure:
    return structure(Atoms(s.numbers, s.positions, cell=s.cell, pbc=True) * (2, 1, 1))


@MODELS
@pytest.mark.parametrize("symmetry", [True, False], ids=["reduced", "full"])
@pytest.mark.parametrize(
    "change", [permuted, rotated, translated, other_lattice_vectors, supercell]
)
def test_the_same_crystal_written_otherwise_has_the_same_prediction(make, symmetry, change):
    before = batch_of(hand_made(), symmetry)
    after = batch_of([change(s) for s in hand_made()], symmetry)
    network = settled(make(), before)
    for mode in (False, True):
        network.train(mode)
        torch.testing.assert_close(network(after), network(before), rtol=1e-5, atol=1e-5)


@MODELS
def test_other_crystals_in_the_batch_have_no_effect_in_evaluation(make):
    crystals = hand_made()
    together = batch_of(crystals, texts=[4, 0, 9, 2, 5, 1])
    network = settled(make(), together)
    # tokens of a crystal depend on its place in the list, so it is cut out of the batch
    for i, n in enumerate([4, 0, 9, 2, 5, 1]):
        alone = batch_of(crystals[i : i + 1], texts=[n])
        alone.tokens = together.tokens[i : i + 1, :n]
        torch.testing.assert_close(network(alone)[0], network(together)[i], rtol=1e-9, atol=1e-9)


def test_every_crystal_gets_a_prediction_of_its_own():
    batch = batch_of(hand_made())
    out = settled(model(outputs=3), batch)(batch)
    assert out.shape == (len(batch), 3)
    assert len(out[:, 0].unique()) == len(batch)


@MODELS
@NORMS
@pytest.mark.parametrize("line_graph_first", [True, False])
def test_every_parameter_receives_a_gradient(make, norm, line_graph_first):
    batch = batch_of(hand_made(), texts=[4, 0, 9, 2, 5, 1])
    network = settled(make(norm=norm, line_graph_first=line_graph_first), batch)
    received = gradients(network, batch)
    dead = [n for n, _ in network.named_parameters() if n not in received or not received[n].any()]
    assert dead == []


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("alignn_layers", (2, 3)),
        ("gcn_layers", (2, 3)),
        ("hidden_features", (16, 32)),
        ("embedding_features", (8, 16)),
        ("edge_input_features", (40, 80)),
        ("triplet_input_features", (20, 40)),
        ("norm", ("batch", "layer")),
        ("line_graph_first", (True, False)),
    ],
)
def test_every_size_changes_the_output(key, values):
    batch = batch_of(hand_made())
    one, other = (settled(model(**{key: value}), batch)(batch) for value in values)
    assert not torch.allclose(one, other, atol=1e-3)


def test_dropout_changes_training_and_not_evaluation():
    batch = batch_of(hand_made())
    without, with_dropout = model(), model(dropout=0.3)
    with_dropout.load_state_dict(settled(without, batch).state_dict())
    torch.testing.assert_close(without(batch), with_dropout.eval()(batch))
    assert not torch.allclose(without.train()(batch), with_dropout.train()(batch), atol=1e-3)


def test_dropout_that_is_on_by_itself_acts():
    """As for an uncertainty by many predictions (Y. Gal, Z. Ghahramani, arXiv 1506.02142)."""
    batch, net = batch_of(hand_made()), model(dropout=0.5).eval()
    for module in net.modules():
        module.train(isinstance(module, torch.nn.Dropout))
    assert not torch.allclose(net(batch), net(batch), atol=1e-3)


def gradients_of(net, batch, forwards, backwards):
    """With one context around the prediction, another around its derivatives."""
    with forwards:
        predicted = net(batch)
    with backwards:
        return torch.autograd.grad(predicted.sum(), list(net.parameters()))


@NORMS
@pytest.mark.parametrize("forwards", [True, False])
def test_autocast_around_the_way_back_changes_nothing(forwards, norm):
    """The products' precision is that of the way forwards."""
    batch, net = batch_of(hand_made()), model(norm=norm, engine="fused")
    inside, outside = (
        gradients_of(
            net,
            batch,
            torch.autocast("cpu", torch.bfloat16, enabled=forwards),
            torch.autocast("cpu", torch.bfloat16, enabled=backwards),
        )
        for backwards in (True, False)
    )
    for one, other in zip(inside, outside, strict=True):
        assert torch.equal(one, other)


@NORMS
@pytest.mark.parametrize(("forwards", "backwards"), [(1, 3), (3, 2)])
def test_the_way_back_may_have_other_threads(forwards, backwards, norm, monkeypatch):
    monkeypatch.setattr(shares, "CHUNK_BYTES", 200)
    monkeypatch.setattr(shares, "_WORTH_A_THREAD", 100)
    batch, net = batch_of(hand_made()), model(norm=norm, engine="fused")
    same = gradients_of(net, batch, threads_of_torch(forwards), threads_of_torch(forwards))
    other = gradients_of(net, batch, threads_of_torch(forwards), threads_of_torch(backwards))
    torch.testing.assert_close(same, other, rtol=1e-4, atol=1e-5)


@MODELS
def test_mixed_precision_rounds_products_alone(make):
    batch, network = single(batch_of(hand_made())), make().float()
    exact = network(batch)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = network(batch)
    assert not torch.equal(rounded.float(), exact)
    torch.testing.assert_close(rounded.float(), exact, rtol=0.05, atol=0.05)


def test_the_smallest_batch_trains():
    """One atom in all: a batch norm of torch would refuse it."""
    copper = batch_of(hand_made()[:1])
    assert len(copper.species) == 1
    received = gradients(model(), copper)
    assert all(g.isfinite().all() for g in received.values())


def test_an_element_without_features_is_named():
    batch = batch_of(hand_made())
    batch.species[3] = 101
    with pytest.raises(DataError, match="atomic number 101 has no features"):
        model()(batch)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alignn_layers": 0}, "model.alignn_layers=0 must be at least 1"),
        ({"gcn_layers": 0}, "model.gcn_layers=0 must be at least 1"),
        ({"hidden_features": -3}, "model.hidden_features=-3 must be at least 1"),
        ({"triplet_input_features": 1}, "model.triplet_input_features=1 must be at least 2"),
        ({"dropout": 1.5}, "model.dropout=1.5 must be from 0 to 1"),
        ({"dropout": float("nan")}, "model.dropout=nan must be from 0 to 1"),
        ({"norm": "group"}, "model.norm=group is unknown: choose batch or layer"),
        ({"engine": "jax"}, "model.engine=jax is unknown: choose auto, fused, torch, dgl"),
    ],
)
def test_what_cannot_be_built_is_refused(options, message):
    with pytest.raises(InfeasibleConfig, match=message):
        model(**options)
