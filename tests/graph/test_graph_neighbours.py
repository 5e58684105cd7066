"""Neighbours: textbook values, the rule itself by brute force, and what is refused."""

import itertools

import numpy as np
import pytest

from trialsmith.errors import DataError
from trialsmith.graph import CrystalGraph, GraphBuilder, Structure
from trialsmith.graph.bonds import Bonds
from trialsmith.graph.neighbours import nearest

TOLERANCE = 1e-4


def neighbours(structure: Structure, count: int = 12, cutoff: float = 8.0) -> Bonds:
    return nearest(structure, count, cutoff, TOLERANCE)


def lengths_at(bonds: Bonds, atom: int = 0) -> np.ndarray:
    return bonds.length[bonds.target == atom]


def sorted_rows(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(rows.round(6).T)]


def by_brute_force(structure: Structure, count: int, cutoff: float) -> list[float]:
    """Lengths of all bonds by the rule, from every image that can matter."""
    cell = structure.cell
    # As many images as reach the cutoff beyond the spread of the atoms, along each vector.
    spread = cutoff + np.linalg.norm(np.ptp(structure.positions, axis=0))
    reach = np.ceil(spread * np.linalg.norm(np.linalg.inv(cell), axis=0)).astype(int)
    images = [range(-n, n + 1) if p else [0] for n, p in zip(reach, structure.pbc, strict=True)]
    shifts = np.array(list(itertools.product(*images))) @ cell
    between = structure.positions[None, :, None] + shifts - structure.positions[:, None, None]
    distances = np.linalg.norm(between, axis=-1)  # target, source, image
    distances[distances < 1e-9] = np.inf
    nearest_first = np.sort(distances.reshape(len(structure), -1), axis=1)
    last = np.where(nearest_first[:, count - 1] > cutoff, cutoff, nearest_first[:, count - 1])
    within = np.maximum(last[:, None], last[None, :])[:, :, None] + TOLERANCE
    return sorted(distances[distances <= within])


@pytest.mark.parametrize(
    ("name", "shells"),
    [
        ("fcc", [(12, 3.615 / np.sqrt(2))]),
        ("bcc", [(8, 2.87 * np.sqrt(3) / 2), (6, 2.87)]),
        ("diamond", [(4, 5.43 * np.sqrt(3) / 4), (12, 5.43 / np.sqrt(2))]),
        ("rock salt", [(6, 5.64 / 2), (12, 5.64 / np.sqrt(2))]),
    ],
)
def test_shells_of_known_crystals(known, name, shells):
    expected = np.concatenate([np.full(count, length) for count, length in shells])
    np.testing.assert_allclose(lengths_at(neighbours(known[name])), expected, rtol=1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_the_rule_by_brute_force(seed):
    random = np.random.default_rng(seed)
    structure = Structure(
        random.integers(1, 90, 4),
        random.normal(size=(4, 3)) * 4,  # some outside the cell
        np.eye(3) * 4.5 + random.normal(size=(3, 3)),
        (True, *(bool(periodic) for periodic in random.random(2) < 0.7)),
    )
    cutoff = random.uniform(6, 9)
    found = np.sort(neighbours(structure, 7, cutoff).length)
    np.testing.assert_allclose(found, by_brute_force(structure, 7, cutoff), atol=1e-9)


def test_every_bond_is_there_once_in_either_direction(crystal):
    bonds = neighbours(crystal)
    ends = np.column_stack([bonds.source, bonds.target])
    rows = np.column_stack([ends, bonds.vector, bonds.length])
    back = np.column_stack([ends[:, ::-1], -bonds.vector, bonds.length])
    np.testing.assert_allclose(sorted_rows(rows), sorted_rows(back), atol=1e-9)
    assert len(np.unique(rows.round(6), axis=0)) == len(rows)
    assert (np.diff(bonds.target) >= 0).all()


def test_the_whole_shell_belongs_whatever_the_rounding(known):
    """Asked for 1 to 6 of rock salt's six nearest, all six come; for 7, the next twelve too."""
    for count in range(1, 8):
        assert len(lengths_at(neighbours(known["rock salt"], count))) == (6 if count < 7 else 18)


def test_a_shell_at_the_cutoff_is_in_as_a_whole():
    simple_cubic = Structure(np.array([84]), np.zeros((1, 3)), np.eye(3) * 8.0)
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    for cell in (simple_cubic.cell, simple_cubic.cell @ turned):
        bonds = neighbours(Structure(simple_cubic.numbers, simple_cubic.positions, cell))
        np.testing.assert_allclose(bonds.length, np.full(6, 8.0))


@pytest.mark.parametrize("factor", [1, -1])
def test_skewed_and_left_handed_cells(crystal, factor):
    skew = np.array([[1, 0, 0], [57, 1, 0], [-91, 73, 1]])  # determinant 1: the same lattice
    other = Structure(crystal.numbers, crystal.positions, factor * skew @ crystal.cell)
    np.testing.assert_allclose(
        np.sort(neighbours(other).length), np.sort(neighbours(crystal).length), atol=1e-8
    )


def test_layers_do_not_depend_on_the_vector_across():
    hexagon = np.array([[2.46, 0, 0], [-1.23, 2.1304, 0]])
    places = np.array([[0, 0, 0.0], [0, 1.4203, 0]])
    for across in ([0, 0, 0], [0, 0, 3], [1, 1, 0.5], [0, 0, -40]):
        cell = np.vstack([hexagon, across]).astype(float)
        graphene = Structure(np.array([6, 6]), places, cell, (True, True, False))
        np.testing.assert_allclose(lengths_at(neighbours(graphene, 3)), [1.42] * 3, atol=1e-3)


def test_a_molecule_has_the_bonds_that_there_are():
    water = np.array([[0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]])
    none = (False, False, False)
    bonds = neighbours(Structure(np.array([8, 1, 1]), water, np.zeros((3, 3)), none))
    assert len(bonds.length) == 6


def test_an_atom_without_a_neighbour_is_refused():
    far = Structure(np.array([2]), np.zeros((1, 3)), np.eye(3) * 20.0)
    with pytest.raises(DataError, match=r"atom 0 .* no neighbour within 8.0 Å: raise data.graph"):
        neighbours(far)
    assert len(neighbours(far, cutoff=20.0).length) == 6


def test_two_atoms_in_one_place_are_refused():
    places = np.array([[0, 0, 0], [3.99, 0, 0]])  # one is the other's image
    twice = Structure(np.array([26, 26]), places, np.eye(3) * 4.0)
    with pytest.raises(DataError, match=r"0.010 Å apart"):
        neighbours(twice)


@pytest.mark.parametrize("rule", ["nearest", "published"])
def test_what_spans_too_much_costs_itself_alone(rule, known):
    """Picometres where ångströms are asked for, say; a search of it would fill the memory."""
    pair = np.array([[0, 0, 0], [1.0, 0, 0]])
    wide = Structure(np.array([8, 1]), pair, np.eye(3) * 20_000.0)
    apart = np.concatenate([pair, pair + 20_000])
    molecules = Structure(np.array([8, 1] * 2), apart, np.zeros((3, 3)), (False,) * 3)
    for absurd in (wide, molecules):
        graphs = GraphBuilder(rule).graphs([known["fcc"], absurd, known["bcc"]])
        assert isinstance(graphs[1], DataError)
        assert "20,00" in str(graphs[1])
        assert "Å: check the unit" in str(graphs[1])
        for k in (0, 2):
            assert isinstance(graphs[k], CrystalGraph)


@pytest.mark.parametrize("rule", ["nearest", "published"])
@pytest.mark.parametrize("side", [0.09, 1e-6, 3e-10])
@pytest.mark.parametrize("pbc", [(True, True, True), (True, False, False)])
def test_what_repeats_within_an_atom_costs_itself_alone(rule, side, pbc, known):
    """Metres where ångströms are asked for, say; images of one atom would fill the memory."""
    absurd = Structure(np.array([8]), np.zeros((1, 3)), np.eye(3) * side, pbc)
    graphs = GraphBuilder(rule).graphs([known["fcc"], absurd, known["bcc"]])
    assert isinstance(graphs[1], DataError)
    assert f"repeats every {side:.2g} Å" in str(graphs[1])
    for k in (0, 2):
        assert isinstance(graphs[k], CrystalGraph)


@pytest.mark.parametrize("rule", ["nearest", "published"])
def test_vacuum_is_no_hindrance(rule):
    pair = np.array([[0, 0, 0], [1.0, 0, 0]])
    box = Structure(np.array([8, 1]), pair, np.eye(3) * 1000.0)
    assert len(GraphBuilder(rule)(box).bond_source) == 2
