"""Pairs of atoms, beside matscipy's search, which sorts atoms into boxes."""

import numpy as np
import pytest
from matscipy.neighbours import neighbour_list

from trialsmith.graph.pairs import pairs_within


def both_directions(i, j, vector) -> np.ndarray:
    rows = np.column_stack([i, j, vector]), np.column_stack([j, i, -vector])
    return in_order(np.concatenate(rows))


def in_order(rows: np.ndarray) -> np.ndarray:
    rows = rows.round(8) + 0.0  # no negative zeros
    return rows[np.lexsort(rows.T)]


def random_crystal(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """(positions, cell, periodic, radius), with atoms inside the cell as matscipy wants them."""
    random = np.random.default_rng(seed)
    cell = np.diag(random.uniform(2, 7, 3)) + random.normal(size=(3, 3)) * 0.7
    positions = random.random((random.integers(1, 9), 3)) @ cell
    return positions, cell, random.random(3) < 0.7, random.uniform(1, 9)


def test_several_crystals_at_once_have_the_pairs_of_another_search():
    crystals = [random_crystal(seed) for seed in range(60)]
    positions, cells, periodic, radius = zip(*crystals, strict=True)
    sizes = np.array([len(own) for own in positions])
    first = np.cumsum(sizes) - sizes
    found = pairs_within(
        np.array(radius), sizes, np.concatenate(positions), np.array(cells), np.array(periodic)
    )
    expected = []
    for k, (own, cell, pbc, r) in enumerate(crystals):
        i, j, vector = neighbour_list("ijD", positions=own, cell=cell, pbc=pbc, cutoff=r)
        expected.append(np.column_stack([first[k] + i, first[k] + j, vector]))
    np.testing.assert_allclose(both_directions(*found), in_order(np.concatenate(expected)))


@pytest.mark.parametrize("width", [3.0, 300.0])
def test_there_is_room_for_all_however_unevenly_they_lie(width):
    """In a wide box one expects few pairs, and here all 300 atoms lie in one corner of it."""
    positions = np.random.default_rng(0).uniform(0, 1, (300, 3))
    box, nowhere = np.eye(3)[None] * width, np.zeros((1, 3), bool)
    i, j, vector = pairs_within(np.array([2.0]), np.array([300]), positions, box, nowhere)
    assert len(i) == 300 * 299 // 2
    np.testing.assert_array_equal(vector, positions[j] - positions[i])


@pytest.mark.parametrize("cells_away", [10, 10_000, 10_000_000])
def test_far_from_the_cell_a_shell_just_inside_is_found(cells_away):
    """Of bcc's eight nearest, a hair within the radius, none is lost to rounding."""
    random, side = np.random.default_rng(0), 2.87
    shell = side * np.sqrt(3) / 2
    for _ in range(20):
        turned = np.linalg.qr(random.normal(size=(3, 3)))[0] * side
        away = random.integers(-cells_away, cells_away, 3)
        positions = np.array([[0, 0, 0], away + 0.5]) @ turned
        radius = np.array([shell * (1 + 1e-14 * cells_away * 10 + 1e-12)])
        given = turned[None], np.ones((1, 3), bool)
        _, _, vector = pairs_within(radius, np.array([2]), positions, *given)
        np.testing.assert_allclose(np.linalg.norm(vector, axis=1), [shell] * 8, rtol=1e-6)
