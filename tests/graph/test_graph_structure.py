"""What a structure refuses, and when two are the same."""

import numpy as np
import pytest

from trialsmith.errors import DataError
from trialsmith.graph import Structure

CUBE = np.eye(3) * 4.0
ORIGIN = np.zeros((1, 3))
IRON = np.array([26])
NAN = float("nan")


@pytest.mark.parametrize(
    ("numbers", "positions", "cell", "message"),
    [
        (np.zeros(0, int), np.zeros((0, 3)), CUBE, "no atoms"),
        (np.array([0]), ORIGIN, CUBE, "atomic number 0"),
        (np.array([119]), ORIGIN, CUBE, "atomic number 119"),
        (IRON, np.array([[0.0, NAN, 0.0]]), CUBE, "finite positions"),
        (IRON, ORIGIN, CUBE * NAN, "not finite"),
        (IRON, ORIGIN, CUBE * 0, "zero"),
        (IRON, ORIGIN, np.array([[4.0, 0, 0], [0, 4, 0], [4, 4, 0]]), "in a plane"),
    ],
)
def test_refuses_what_is_no_crystal(numbers, positions, cell, message):
    with pytest.raises(DataError, match=message):
        Structure(numbers, positions, cell)


def test_directions_that_do_not_repeat_need_no_lattice_vector():
    Structure(IRON, ORIGIN, CUBE * 0, (False, False, False))
    Structure(IRON, ORIGIN, np.diag([4.0, 4.0, 0.0]), (True, True, False))


def test_key_is_that_of_the_content():
    one = Structure(IRON, ORIGIN, CUBE)
    assert one.key == Structure(IRON.astype(np.int32), ORIGIN.copy(), CUBE.copy()).key
    others = [
        Structure(IRON + 1, ORIGIN, CUBE),
        Structure(IRON, ORIGIN + 1e-9, CUBE),
        Structure(IRON, ORIGIN, CUBE * 1.001),
        Structure(IRON, ORIGIN, CUBE, (True, True, False)),
    ]
    assert len({one.key, *(other.key for other in others)}) == 5
