"""Pairs of atoms within a radius, over all their periodic images."""

import math
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float64, Int

from trialsmith.compilation import compiled

# Bounds of the images are widened by so many cells: none is lost to rounding, and each is measured.
_MARGIN = 1e-6


def pairs_within(
    radius: Float64[np.ndarray, "crystals"],
    sizes: Int[np.ndarray, "crystals"],
    positions: Float64[np.ndarray, "atoms 3"],
    cells: Float64[np.ndarray, "crystals 3 3"],
    periodic: Bool[np.ndarray, "crystals 3"],
) -> tuple[Int[np.ndarray, "pairs"], Int[np.ndarray, "pairs"], Float64[np.ndarray, "pairs 3"]]:
    """(i, j, from i to an image of j in Å) for all pairs that are as near, each in one direction.

    Every two atoms of a crystal are looked at: up to some hundred atoms that is quicker than to
    sort them into boxes first, and for the usual ten several times as quick.

    Args:
        radius: Å.
        sizes: how many of the atoms each crystal has.
        positions: Å, inside the cell or not.
        cells: lattice vectors, Å, not far from orthogonal.
        periodic: along which of them.
    """
    ends = np.concatenate([[0], np.cumsum(sizes)])
    inverse, volume = np.linalg.inv(cells), np.abs(np.linalg.det(cells))
    given = radius, ends, positions, cells, inverse, periodic
    expected = 2 / 3 * np.pi * radius**3 * sizes**2 / volume  # in crystals that are dense all over
    room = int(1.2 * expected.sum()) + 64
    while True:
        i, j, vector = np.empty(room, np.int64), np.empty(room, np.int64), np.empty((room, 3))
        found = _find_pairs(*given, i, j, vector)
        if found <= room:
            return i[:found], j[:found], vector[:found]
        room = found


@compiled
@no_type_check
def _find_pairs(radius, ends, positions, cells, inverse, periodic, i_of, j_of, vector):
    """Returns how many there are; as many are written as there is room for.

    Images along the first two vectors are those whose cells the sphere can reach; along the third
    they follow from |u + n c| ≤ r, with the part of u across c.
    """
    found = 0
    for k in range(len(radius)):
        first, second, third = _rows(cells[k])
        along = _rows(inverse[k].T)
        reach_a = radius[k] * math.sqrt(_dot(along[0], along[0]))  # in cells
        reach_b = radius[k] * math.sqrt(_dot(along[1], along[1]))
        square, of_third = radius[k] ** 2, _dot(third, third)
        for i in range(ends[k], ends[k + 1]):
            for j in range(i, ends[k + 1]):
                apart = _plus(_row(positions, j), -1, _row(positions, i))
                begin_a, end_a = _images(-_dot(apart, along[0]), reach_a, periodic[k, 0])
                if i == j:
                    begin_a = 0  # the others are mirror images
                for a in range(begin_a, end_a):
                    begin_b, end_b = _images(-_dot(apart, along[1]), reach_b, periodic[k, 1])
                    if i == j and a == 0:
                        begin_b = 0
                    for b in range(begin_b, end_b):
                        u = _plus(_plus(apart, a, first), b, second)
                        middle = -_dot(u, third) / of_third
                        across = _plus(u, middle, third)
                        reach_square = (square - _dot(across, across)) / of_third
                        if reach_square < -_MARGIN:
                            continue
                        reach_c = math.sqrt(max(reach_square, 0.0))
                        begin_c, end_c = _images(middle, reach_c, periodic[k, 2])
                        if i == j and a == 0 and b == 0:
                            begin_c = 1
                        for c in range(begin_c, end_c):
                            v = _plus(u, c, third)
                            if _dot(v, v) <= square:
                                if found < len(i_of):
                                    i_of[found], j_of[found] = i, j
                                    vector[found, 0], vector[found, 1], vector[found, 2] = v
                                found += 1
    return found


@compiled
@no_type_check
def _images(middle, reach, periodic):
    """From the first on, and before which one they end."""
    if not periodic:
        return 0, 1
    return math.ceil(middle - reach - _MARGIN), math.floor(middle + reach + _MARGIN) + 1


@compiled
@no_type_check
def _rows(matrix):
    return _row(matrix, 0), _row(matrix, 1), _row(matrix, 2)


@compiled
@no_type_check
def _row(matrix, k):
    """A vector that needs no memory."""
    return matrix[k, 0], matrix[k, 1], matrix[k, 2]


@compiled
@no_type_check
def _dot(u, v):
    return u[0] * v[0] + u[1] * v[1] + u[2] * v[2]


@compiled
@no_type_check
def _plus(u, times, v):
    """u + times v"""
    return u[0] + times * v[0], u[1] + times * v[1], u[2] + times * v[2]
