"""The published rule and the cutoff of angles: what they draw, and that symmetry stays exact.

That the published rule is the package's own, bond for bond, is tested in tests/peer.
"""

import numpy as np
import pytest
import torch
from test_graph_symmetry import check_stands_for

from trialsmith.data import collate
from trialsmith.graph import CrystalGraph, GraphBuilder, Structure, build_graphs
from trialsmith.models import ALIGNN

LONELY = Structure(np.array([2]), np.zeros((1, 3)), np.eye(3) * 30.0)


def full(crystal: Structure, **options: object) -> CrystalGraph:
    return GraphBuilder(symmetry=False, **options)(crystal)


def directed(random: np.random.Generator) -> Structure:
    """A close pair in a crystal of far atoms: nobody's nearest neighbours need be mutual."""
    places = np.array([[0, 0, 0], [0.3, 0, 0], [0, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5]])
    return Structure(
        np.array([8, 14, 8, 22, 22]), places * 7 + random.normal(size=3), np.eye(3) * 7
    )


def test_the_published_rule_asks_for_the_nearest_and_no_more(real_crystals):
    for crystal in list(real_crystals.values())[:40]:
        graph = full(crystal, rule="published", neighbours=5, cutoff=4.0)
        everything = full(crystal, rule="published", neighbours=10**6, cutoff=4.0)
        for atom in range(len(crystal)):
            asked = np.sort(graph.bond_length[graph.bond_source == atom])
            there = np.sort(everything.bond_length[everything.bond_source == atom])
            np.testing.assert_array_equal(asked, there[:5])
        assert everything.bond_length.max(initial=0) <= 4.0


def test_published_bonds_need_not_be_mutual():
    graph = full(directed(np.random.default_rng(0)), rule="published", neighbours=2)
    there = set(zip(graph.bond_source.tolist(), graph.bond_target.tolist(), strict=True))
    assert any((target, source) not in there for source, target in there)
    assert (np.bincount(graph.bond_source) == 2).all()


@pytest.mark.parametrize("rule", ["nearest", "published"])
def test_angles_are_those_between_short_bonds(known, rule):
    for crystal in known.values():
        every = full(crystal, rule=rule, cutoff=5.0, angle_cutoff=5.0)
        some = full(crystal, rule=rule, cutoff=5.0, angle_cutoff=3.0)
        np.testing.assert_array_equal(every.bond_length, some.bond_length)
        short = every.bond_length <= 3.0
        kept = short[every.angle_source] & short[every.angle_target]
        for name in ("angle_source", "angle_target", "angle_cosine"):
            np.testing.assert_array_equal(getattr(some, name), getattr(every, name)[kept])


def test_a_shell_at_exactly_the_cutoff_makes_angles_however_it_is_turned(known):
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    salt = known["rock salt"]
    for cell, positions in ((salt.cell, salt.positions), (salt.cell @ turn, salt.positions @ turn)):
        graph = full(Structure(salt.numbers, positions, cell), angle_cutoff=5.64 / 2)
        assert len(graph.angle_cosine) == 2 * 6 * 6


@pytest.mark.parametrize(
    "options",
    [
        {"rule": "published"},
        {"rule": "published", "neighbours": 2},
        {"rule": "published", "neighbours": 4, "angle_cutoff": 2.2},
        {"angle_cutoff": 2.4},
        {"angle_cutoff": 0.2},
    ],
)
def test_the_graph_up_to_symmetry_stands_for_the_full_one(known, real_crystals, options):
    """Also where bonds are one-way, and where atoms have no bonds or bonds no angles."""
    crystals = [*known.values(), *list(real_crystals.values())[:30]]
    crystals.append(directed(np.random.default_rng(1)))
    members = np.zeros(2)
    for crystal in crystals:
        reduced, whole = GraphBuilder(**options)(crystal), full(crystal, **options)
        check_stands_for(reduced, whole)
        members += len(reduced.bond_length), len(whole.bond_length)
    assert members[1] > 1.3 * members[0]


def test_an_atom_that_nobody_asks_for_has_no_bonds():
    places = np.array([[0, 0, 0], [1, 0, 0], [4, 4, 4]], dtype=float)
    crystal = Structure(np.array([1, 1, 2]), places, np.eye(3) * 30.0)
    graph = full(crystal, rule="published", neighbours=1, cutoff=7.5)
    assert np.bincount(graph.bond_target, minlength=3).tolist() == [1, 2, 0]


def test_crystals_without_bonds_go_through_everything(known, tmp_path):
    """As in the package, which leaves a lonely atom alone."""
    crystals = [LONELY, known["perovskite"], LONELY]
    store = build_graphs(crystals, GraphBuilder("published"), tmp_path, progress=False)
    assert [len(graph.bond_length) for graph in store][::2] == [0, 0]
    batch = collate(list(store))
    assert len(batch) == 3
    assert set(batch.crystal[batch.bonds.target].tolist()) == {1}
    model = ALIGNN(hidden_features=8, embedding_features=8, alignn_layers=1, gcn_layers=1)
    for inputs in (batch, collate([store[0]])):
        out = model(inputs)
        out.sum().backward()
        assert out.isfinite().all()
        assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_several_at_once_are_as_one_by_one(known, real_crystals):
    crystals = [*known.values(), LONELY, *list(real_crystals.values())[:30]]
    for builder in (GraphBuilder(), GraphBuilder(symmetry=False), GraphBuilder("published")):
        for crystal, graph in zip(crystals, builder.graphs(crystals), strict=True):
            if isinstance(graph, Exception):
                assert crystal is LONELY
                continue
            for name, values in vars(builder(crystal)).items():
                np.testing.assert_array_equal(getattr(graph, name), values)
