"""The space group of a structure, where it has one."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import spglib
from jaxtyping import Int

from trialsmith.graph.structure import Structure

TOLERANCE = 0.01  # Å, as pymatgen and robocrystallographer take it

# The last space group of each crystal system (International Tables for Crystallography A).
SYSTEMS = {
    2: "triclinic",
    15: "monoclinic",
    74: "orthorhombic",
    142: "tetragonal",
    167: "trigonal",
    194: "hexagonal",
    230: "cubic",
}


@dataclass(frozen=True)
class SpaceGroup:
    """A space group, and which atoms it makes equivalent.

    Attributes:
        symbol: short Hermann–Mauguin symbol, such as Fm-3m.
        number: 1 to 230.
        system: crystal system, such as cubic.
        orbit: for each atom the first atom that is equivalent to it.
    """

    symbol: str
    number: int
    system: str
    orbit: Int[np.ndarray, "atoms"]


def space_group(structure: Structure) -> SpaceGroup | None:
    """None if the structure is not periodic in three directions, or spglib finds no answer."""
    if not all(structure.pbc):
        return None
    cell = structure.cell.astype(np.float64)
    fractional = structure.positions @ np.linalg.inv(cell)
    crystal: Any = (cell, fractional, structure.numbers)  # typed as lists; arrays are welcome
    with warnings.catch_warnings():
        # spglib 2.8 announces how it will report failures; both ways are understood here.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            found = spglib.get_symmetry_dataset(crystal, TOLERANCE)
        except spglib.SpglibError:
            return None
    if found is None:
        return None
    system = next(name for last, name in SYSTEMS.items() if found.number <= last)
    return SpaceGroup(found.international, found.number, system, found.crystallographic_orbits)
