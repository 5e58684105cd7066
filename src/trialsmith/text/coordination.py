"""Which neighbours an atom is bonded to, and at what distances."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from trialsmith.graph.neighbours import nearest
from trialsmith.graph.structure import Structure

CANDIDATES = 24  # more neighbours than any atom in a crystal is bonded to
CUTOFF = 8.0  # Å
SHELL = 1e-3  # Å: distances that differ by less are one shell
ROUNDING = 1e-6  # 1/Å


@dataclass(frozen=True)
class Ligands:
    """The neighbours of one element that an atom is bonded to.

    Attributes:
        number: atomic number.
        count: how many.
        nearest, farthest: Å.
    """

    number: int
    count: int
    nearest: float
    farthest: float


def coordination(structure: Structure) -> list[tuple[Ligands, ...]]:
    """For each atom its ligands by element, in the order of the atomic number.

    An atom is bonded to its neighbours this side of the largest gap in 1/d, where d are the
    distances of its 24 nearest: Brunner, Acta Cryst. A 33, 226 (1977). So rock salt is sixfold,
    a close packing twelvefold, and nothing depends on radii.

    Raises:
        DataError: an atom without a neighbour within 8 Å.
    """
    bonds = nearest(structure, CANDIDATES, CUTOFF, SHELL, mutual=False)
    into = np.bincount(bonds.target, minlength=len(structure))
    begin = np.cumsum(into) - into
    sites = []
    for first, count in zip(begin, into, strict=True):
        distances = bonds.length[first : first + count]
        bonded = first + np.arange(brunner(distances))
        sites.append(_by_element(structure.numbers[bonds.source[bonded]], bonds.length[bonded]))
    return sites


def brunner(distances: Float[np.ndarray, "neighbours"]) -> int:
    """How many of the sorted distances stand before the largest gap in 1/d; all if none has one."""
    gaps = -np.diff(1.0 / distances)
    widest = gaps.max(initial=0.0)
    if widest < ROUNDING:
        return len(distances)
    # Of gaps that are equal but for rounding the first is taken.
    return int(np.argmax(gaps >= widest - ROUNDING)) + 1


def _by_element(
    numbers: Int[np.ndarray, "ligands"], distances: Float[np.ndarray, "ligands"]
) -> tuple[Ligands, ...]:
    return tuple(
        Ligands(int(number), int(chosen.sum()), *_ends(distances[chosen]))
        for number in np.unique(numbers)
        for chosen in [numbers == number]
    )


def _ends(distances: Float[np.ndarray, "ligands"]) -> tuple[float, float]:
    return float(distances.min()), float(distances.max())
