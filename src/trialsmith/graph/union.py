"""Several graphs as one whose crystals are not connected, and back."""

import numpy as np
from jaxtyping import Int

from trialsmith.graph.crystal_graph import CrystalGraph


def shifts(
    sizes: Int[np.ndarray, "crystals"], members: Int[np.ndarray, "crystals"]
) -> Int[np.ndarray, "members"]:
    """What turns an index within a crystal into one within the union, for every member.

    Args:
        sizes: how many atoms (or bonds) each crystal has, which the members point to.
        members: how many bonds (or angles) each crystal has.
    """
    return np.repeat(np.cumsum(sizes) - sizes, members)


def separated(union: CrystalGraph, sizes: Int[np.ndarray, "crystals"]) -> list[CrystalGraph]:
    """The graph of each crystal of a union, in full or up to symmetry.

    Args:
        union: its members stand crystal by crystal.
        sizes: how many atoms each crystal has in full.
    """
    # Multiplicities count the atoms of the full graph: where they sum up to a crystal's it ends.
    ends = np.searchsorted(np.cumsum(union.atom_multiplicity), np.cumsum(sizes)) + 1
    atoms = np.concatenate([[0], ends])
    bonds = np.searchsorted(union.bond_target, atoms)
    angles = np.searchsorted(union.angle_target, bonds)
    graphs = []
    for k in range(len(sizes)):
        atom, bond, angle = (slice(ends[k], ends[k + 1]) for ends in (atoms, bonds, angles))
        graphs.append(
            CrystalGraph(
                species=union.species[atom],
                atom_multiplicity=union.atom_multiplicity[atom],
                bond_source=union.bond_source[bond] - atoms[k],
                bond_target=union.bond_target[bond] - atoms[k],
                bond_length=union.bond_length[bond],
                bond_multiplicity=union.bond_multiplicity[bond],
                angle_source=union.angle_source[angle] - bonds[k],
                angle_target=union.angle_target[angle] - bonds[k],
                angle_cosine=union.angle_cosine[angle],
                angle_multiplicity=union.angle_multiplicity[angle],
            )
        )
    return graphs
