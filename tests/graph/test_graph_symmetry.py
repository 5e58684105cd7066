"""The graph up to symmetry stands for the full one: the same sums, the same outputs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_layers import outputs

from trialsmith.graph import CrystalGraph, GraphBuilder, Structure
from trialsmith.graph.symmetry import value_classes

FULL, REDUCED = GraphBuilder(symmetry=False), GraphBuilder(symmetry=True)


def check_stands_for(reduced: CrystalGraph, full: CrystalGraph) -> None:
    assert reduced.atom_multiplicity.sum() == len(full.species)
    assert reduced.bond_multiplicity.sum() == len(full.bond_length)
    assert reduced.angle_multiplicity.sum() == len(full.angle_cosine)
    for target, multiplicity, above in (
        (reduced.bond_target, reduced.bond_multiplicity, reduced.atom_multiplicity),
        (reduced.angle_target, reduced.angle_multiplicity, reduced.bond_multiplicity),
    ):
        assert (np.diff(target) >= 0).all()
        assert (multiplicity % above[target] == 0).all()
    np.testing.assert_allclose(outputs(reduced), outputs(full), atol=1e-5)


def test_known_crystals(crystal):
    check_stands_for(REDUCED(crystal), FULL(crystal))


@pytest.mark.slow
def test_real_crystals(real_crystals):
    members = np.zeros(2)
    for crystal in real_crystals.values():
        reduced, full = REDUCED(crystal), FULL(crystal)
        check_stands_for(reduced, full)
        members += len(reduced.angle_cosine), len(full.angle_cosine)
    assert members[1] > 2 * members[0]


@pytest.mark.parametrize(
    ("name", "atoms", "bonds", "cosines"),
    [
        ("fcc", 1, 1, [-1, -0.5, 0, 0.5, 1]),  # angles of 180°, 120°, 90°, 60° and 0°
        ("rock salt", 2, 4, None),  # Na-Cl and Cl-Na, Na-Na and Cl-Cl
        ("diamond", 1, 2, None),
        ("hcp", 1, 2, None),  # c/a is not ideal: six neighbours in the plane, six out of it
        ("perovskite", 3, None, None),
        ("without symmetry", 4, None, None),
    ],
)
def test_classes_of_known_crystals(known, name, atoms, bonds, cosines):
    graph = REDUCED(known[name])
    assert len(graph.species) == atoms
    assert bonds is None or len(graph.bond_length) == bonds
    if cosines is not None:
        np.testing.assert_allclose(np.sort(graph.angle_cosine), cosines, atol=1e-6)


def test_a_crystal_without_symmetry_keeps_every_member(known):
    reduced, full = REDUCED(known["without symmetry"]), FULL(known["without symmetry"])
    assert (reduced.atom_multiplicity == 1).all()
    assert (reduced.bond_multiplicity == 1).all()
    np.testing.assert_array_equal(reduced.bond_target, full.bond_target)
    np.testing.assert_array_equal(reduced.angle_source, full.angle_source)
    np.testing.assert_allclose(reduced.angle_cosine, full.angle_cosine, atol=1e-6)


def test_rattled_crystals_are_not_merged(known):
    """Displacements of 1e-3 Å are ten tolerances: no two atoms or bonds are equal any more."""
    cube = known["fcc"].cell @ np.linalg.inv(known["fcc"].cell) * 3.615
    sites = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
    cells = np.array([[i, j, k] for i in range(2) for j in range(2) for k in range(2)])
    ideal = (sites[None] + cells[:, None]).reshape(-1, 3) @ cube
    rattled = ideal + np.random.default_rng(3).normal(scale=1e-3, size=ideal.shape)
    copper = np.full(32, 29)
    assert len(REDUCED(Structure(copper, ideal, 2 * cube)).species) == 1
    graph = REDUCED(Structure(copper, rattled, 2 * cube))
    assert (graph.atom_multiplicity == 1).all()
    assert (graph.bond_multiplicity == 1).all()


def test_rattled_real_crystals_are_left_as_they_are(real_crystals):
    """Three atoms or more: of two, one may be the other's mirror image wherever they stand."""
    random = np.random.default_rng(4)
    rattled = [
        Structure(c.numbers, c.positions + random.normal(scale=1e-3, size=(len(c), 3)), c.cell)
        for c in real_crystals.values()
        if len(c) > 2
    ]
    assert len(rattled) > 150
    for reduced, full in zip(REDUCED.graphs(rattled), FULL.graphs(rattled), strict=True):
        for name, values in vars(full).items():
            np.testing.assert_allclose(getattr(reduced, name), values, atol=1e-6)


def test_no_member_is_further_from_its_class_than_the_tolerance(real_crystals):
    for crystal in real_crystals.values():
        full, reduced = FULL(crystal), REDUCED(crystal)
        expanded = np.sort(np.repeat(reduced.bond_length, reduced.bond_multiplicity))
        assert np.abs(expanded - np.sort(full.bond_length)).max() < 1.01e-4


values = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 400)), min_size=1, max_size=60)


@given(values)
def test_classes_of_values(members):
    """No class is wider than the tolerance or mixes groups; equal values are of one class."""
    group = np.array([g for g, _ in members])
    value = np.array([v for _, v in members]) * 1e-2
    label = value_classes(value, group, 0.05)
    for one in np.unique(label):
        of_class = label == one
        assert len(np.unique(group[of_class])) == 1
        assert np.ptp(value[of_class]) <= 0.05 + 1e-9
    pairs = {(g, v) for g, v in members}
    assert len({(g, v, c) for (g, v), c in zip(members, label.tolist(), strict=True)}) == len(pairs)


@given(values)
def test_classes_of_values_do_not_depend_on_the_order(members):
    group = np.array([g for g, _ in members])
    value = np.array([v for _, v in members]) * 1e-2
    label, backwards = (
        value_classes(value, group, 0.05),
        value_classes(value[::-1], group[::-1], 0.05)[::-1],
    )
    np.testing.assert_array_equal(label, backwards)
