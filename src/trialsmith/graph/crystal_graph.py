"""The one graph type: atoms, the bonds between them, the angles between bonds."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int


@dataclass(frozen=True, eq=False)
class CrystalGraph:
    """A crystal's graph and its line graph, in full or up to symmetry.

    A bond j→i goes from its source j, which sends, to its target i, which receives; whether it is
    there the other way too is the rule's affair (see `GraphBuilder`). An angle joins the bond k→j
    to the bond j→i that goes on where it ends, going straight back (k = i by the same way)
    included, as in the line graph of Choudhary & DeCost, npj Comput. Mater. 7, 185 (2021). An atom
    may have no bonds, a bond no angles.

    Every member has a multiplicity: how many members of the full graph it stands for. In a full
    graph all are one. In a sum over the bonds that end at atom i a bond counts
    ``bond_multiplicity / atom_multiplicity[i]`` times; in a sum over the angles that end at bond b
    an angle counts ``angle_multiplicity / bond_multiplicity[b]`` times. Both are whole numbers.

    Attributes:
        species: atomic numbers.
        bond_source, bond_target: indices of atoms, sorted by target.
        bond_length: Å.
        angle_source, angle_target: indices of bonds, sorted by target.
        angle_cosine: cos ∠(kji), the angle at j between k and i; 1 for going straight back.
    """

    species: Int[np.ndarray, "atoms"]
    atom_multiplicity: Int[np.ndarray, "atoms"]
    bond_source: Int[np.ndarray, "bonds"]
    bond_target: Int[np.ndarray, "bonds"]
    bond_length: Float32[np.ndarray, "bonds"]
    bond_multiplicity: Int[np.ndarray, "bonds"]
    angle_source: Int[np.ndarray, "angles"]
    angle_target: Int[np.ndarray, "angles"]
    angle_cosine: Float32[np.ndarray, "angles"]
    angle_multiplicity: Int[np.ndarray, "angles"]
