"""Ordered arrangements of two elements on the sites of a face-centred cubic lattice."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Ordering:
    """A primitive cell, in units of half the cubic lattice parameter.

    `first` and `second` are the sites of the two elements; lattice vectors are the rows of `cell`.
    """

    name: str
    cell: tuple[tuple[int, int, int], ...]
    first: tuple[tuple[int, int, int], ...]
    second: tuple[tuple[int, int, int], ...] = ()

    def positions(self, lattice_parameter: float) -> Float[np.ndarray, "atoms 3"]:
        """The sites of the first element's atoms, then of the second's, in Å."""
        return np.array(self.first + self.second) * lattice_parameter / 2

    def lattice(self, lattice_parameter: float) -> Float[np.ndarray, "3 3"]:
        """Lattice vectors in rows, in Å."""
        return np.array(self.cell) * lattice_parameter / 2


_CUBE = ((2, 0, 0), (0, 2, 0), (0, 0, 2))
_FACES = ((0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0))

# Strukturbericht symbols; MoPt2 and Z2 have none. Stacking: L1_0 A|B and Z2 AA|BB along [001],
# L1_1 A|B along [111], MoPt2 A|BB along [110]. The tests know their space groups.
ORDERINGS = (
    Ordering("A1", ((0, 1, 1), (1, 0, 1), (1, 1, 0)), _FACES[:1]),
    Ordering("L1_0", ((1, -1, 0), (1, 1, 0), (0, 0, 2)), ((0, 0, 0),), ((1, 0, 1),)),
    Ordering("L1_1", ((2, 1, 1), (1, 2, 1), (1, 1, 2)), ((0, 0, 0),), ((2, 2, 2),)),
    Ordering("L1_2", _CUBE, _FACES[:1], _FACES[1:]),
    Ordering("D0_22", ((2, 0, 0), (0, 2, 0), (1, 1, 2)), _FACES[:1], _FACES[1:]),
    Ordering("MoPt2", ((0, 0, 2), (1, -1, 0), (2, 1, 1)), ((0, 0, 0),), ((1, 0, 1), (1, 1, 0))),
    Ordering(
        "Z2", ((1, -1, 0), (1, 1, 0), (0, 0, 4)), ((0, 0, 0), (1, 0, 1)), ((0, 0, 2), (1, 0, 3))
    ),
)
# Cells for solid solutions: any of the elements on any site.
SUPERCELLS = (
    Ordering("cubic", _CUBE, _FACES),
    Ordering(
        "double",
        ((2, 0, 0), (0, 2, 0), (0, 0, 4)),
        _FACES + tuple((x, y, z + 2) for x, y, z in _FACES),
    ),
    Ordering("triple", ((1, -1, 0), (1, 1, 0), (0, 0, 6)), tuple((z % 2, 0, z) for z in range(6))),
)
