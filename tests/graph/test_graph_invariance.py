"""A graph is the crystal's, not that of how it is written down."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from random_layers import outputs

from trialsmith.graph import CrystalGraph, GraphBuilder, Structure


def permuted(crystal: Structure, random: np.random.Generator) -> Structure:
    order = random.permutation(len(crystal))
    return Structure(crystal.numbers[order], crystal.positions[order], crystal.cell)


def rotated(crystal: Structure, random: np.random.Generator) -> Structure:
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    turn *= np.linalg.det(turn)
    return Structure(crystal.numbers, crystal.positions @ turn, crystal.cell @ turn)


def reflected(crystal: Structure, random: np.random.Generator) -> Structure:
    mirror = np.diag([1.0, 1.0, -1.0])
    return Structure(crystal.numbers, crystal.positions @ mirror, crystal.cell @ mirror)


def translated(crystal: Structure, random: np.random.Generator) -> Structure:
    return Structure(crystal.numbers, crystal.positions + random.normal(size=3) * 9, crystal.cell)


def other_vectors(crystal: Structure, random: np.random.Generator) -> Structure:
    cell = np.array([[2, 1, 0], [1, 1, 0], [-3, 2, 1]]) @ crystal.cell
    images = random.integers(-2, 3, (len(crystal), 3))
    return Structure(crystal.numbers, crystal.positions + images @ cell, cell)


def supercell(crystal: Structure, random: np.random.Generator) -> Structure:
    """Three times the cell, along a skewed vector."""
    positions = np.concatenate([crystal.positions + i * crystal.cell[0] for i in range(3)])
    cell = np.array([[3, 0, 0], [1, 1, 0], [2, 0, 1]]) @ crystal.cell
    return permuted(Structure(np.tile(crystal.numbers, 3), positions, cell), random)


WRITINGS = [permuted, rotated, reflected, translated, other_vectors, supercell]
COUNTED = ("species", "bond_source", "angle_source")


def counts(graph: CrystalGraph) -> np.ndarray:
    return np.array([len(getattr(graph, name)) for name in COUNTED])


def members(graph: CrystalGraph) -> dict[tuple[int, ...], np.ndarray]:
    """Sorted lengths by the elements at the ends, and cosines by the elements of three atoms."""
    source, target = graph.species[graph.bond_source], graph.species[graph.bond_target]
    middle = np.column_stack([source, target])
    three = np.column_stack([source[graph.angle_source], middle[graph.angle_target]])
    found = {}
    for kinds, values in ((middle, graph.bond_length), (three, graph.angle_cosine)):
        for kind in np.unique(kinds, axis=0):
            found[tuple(kind)] = np.sort(values[(kinds == kind).all(axis=1)])
    return found


@cache
def seen(builder: GraphBuilder, crystal: Structure) -> tuple[CrystalGraph, np.ndarray]:
    """The graph of a crystal as it stands, and what random layers make of it."""
    graph = builder(crystal)
    return graph, outputs(graph)


def check_same(builder: GraphBuilder, crystal: Structure, other: Structure) -> None:
    (graph, expected_outputs), same = seen(builder, crystal), builder(other)
    cells = len(other) // len(crystal)
    np.testing.assert_array_equal(counts(same), counts(graph) * (1 if builder.symmetry else cells))
    found = members(same)
    for kind, values in members(graph).items():
        repeated = values if builder.symmetry else np.repeat(values, cells)
        np.testing.assert_allclose(found[kind], repeated, atol=3e-6)
    total = same.atom_multiplicity.sum(), same.bond_multiplicity.sum()
    expected = graph.atom_multiplicity.sum() * cells, graph.bond_multiplicity.sum() * cells
    assert total == expected
    np.testing.assert_allclose(outputs(same), expected_outputs, atol=1e-5)


@pytest.mark.parametrize("symmetry", [False, True])
@pytest.mark.parametrize("rewrite", WRITINGS)
def test_known_crystals(
    crystal: Structure,
    rewrite: Callable[[Structure, np.random.Generator], Structure],
    symmetry: bool,
):
    other = rewrite(crystal, np.random.default_rng(1))
    check_same(GraphBuilder(symmetry=symmetry), crystal, other)


@pytest.mark.slow
@pytest.mark.parametrize("symmetry", [False, True])
@pytest.mark.parametrize("rewrite", WRITINGS)
def test_real_crystals(real_crystals, rewrite, symmetry):
    random = np.random.default_rng(2)
    crystals = list(real_crystals.values())
    for crystal in crystals if symmetry else crystals[:30]:
        check_same(GraphBuilder(symmetry=symmetry), crystal, rewrite(crystal, random))


def test_random_layers_tell_crystals_apart(known):
    """Else the laws above would hold of anything."""
    made = np.array([outputs(GraphBuilder()(crystal)) for crystal in known.values()])
    apart = np.abs(made[:, None] - made[None]).max(axis=-1)
    assert apart[~np.eye(len(made), dtype=bool)].min() > 1e-2
    longer = known["fcc"]
    longer = Structure(longer.numbers, longer.positions, longer.cell * 1.001)
    assert np.abs(outputs(GraphBuilder()(longer)) - made[0]).max() > 1e-4
