"""What a crystal is before any graph is drawn: elements, positions and a lattice."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from trialsmith.errors import DataError
from trialsmith.graph.cache import digest

HEAVIEST = 118  # oganesson
# Periodic lattice vectors that span less than this part of the box of their lengths lie in a plane.
FLAT = 1e-6


@dataclass(frozen=True, eq=False)
class Structure:
    """Atoms and the lattice that repeats them.

    Any set of lattice vectors will do: skewed, left-handed, with atoms outside the cell. Along
    directions that are not periodic the lattice vector has no meaning and may be zero.

    Attributes:
        numbers: atomic numbers.
        positions: Cartesian, Å.
        cell: lattice vectors in rows, Å.
        pbc: along which lattice vectors the atoms repeat.

    Raises:
        DataError: no atoms, an unknown element, a number that is not finite, a flat lattice.
    """

    numbers: Int[np.ndarray, "atoms"]
    positions: Float[np.ndarray, "atoms 3"]
    cell: Float[np.ndarray, "3 3"]
    pbc: tuple[bool, bool, bool] = (True, True, True)

    def __post_init__(self) -> None:
        shapes = (self.positions.shape, self.cell.shape)
        if shapes != ((len(self), 3), (3, 3)):
            raise DataError(
                f"{len(self)} atoms need positions of shape ({len(self)}, 3) and a cell of shape "
                f"(3, 3), not {shapes[0]} and {shapes[1]}"
            )
        if len(self) == 0:
            raise DataError("the structure has no atoms: remove it")
        if self.numbers.min() < 1 or self.numbers.max() > HEAVIEST:
            atom = int(np.argmax((self.numbers < 1) | (self.numbers > HEAVIEST)))
            raise DataError(
                f"atom {atom} has the atomic number {self.numbers[atom]}, which is no element "
                f"(1 to {HEAVIEST}): correct its symbol"
            )
        if not math.isfinite(self.positions.sum()):
            atom = int(np.argmin(np.isfinite(self.positions).all(axis=1)))
            raise DataError(f"atom {atom} stands at {self.positions[atom]}: give finite positions")
        self._check_lattice()

    def _check_lattice(self) -> None:
        vectors = self.cell[np.array(self.pbc)].astype(np.float64)
        if not math.isfinite(vectors.sum()):
            raise DataError(f"the lattice vectors {vectors.tolist()} Å are not finite numbers")
        gram = vectors @ vectors.T
        squares = gram.diagonal().tolist()
        if 0 in squares:
            raise DataError("a periodic lattice vector is zero: give it, or set pbc to false there")
        # The Gram determinant is the square of the length, area or volume that the vectors span.
        if squares and np.linalg.det(gram) < FLAT**2 * math.prod(squares):
            raise DataError(
                f"the lattice vectors {vectors.tolist()} Å lie in a plane or on a line: "
                "give independent ones"
            )

    def __len__(self) -> int:
        return len(self.numbers)

    @cached_property
    def key(self) -> str:
        """A hash of the content: equal structures have equal keys, whatever they are called."""
        parts = (self.numbers, self.positions.ravel(), self.cell.ravel())
        # Of so many numbers there is one way to take them apart again: n, 3 n and 9.
        content = np.concatenate([part.astype(np.float64) for part in parts])
        return digest(f"structure {self.pbc}", content)
