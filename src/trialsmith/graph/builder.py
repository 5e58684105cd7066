"""From a crystal to its graph."""

from dataclasses import dataclass

import numpy as np

from trialsmith.errors import InfeasibleConfig
from trialsmith.graph.angles import cosines, line_graph
from trialsmith.graph.cache import digest
from trialsmith.graph.crystal_graph import CrystalGraph
from trialsmith.graph.neighbours import nearest
from trialsmith.graph.structure import Structure
from trialsmith.graph.symmetry import up_to_symmetry

# Raise it whenever a graph comes out different for the same parameters: old caches are left alone.
VERSION = 1


@dataclass(frozen=True)
class GraphBuilder:
    """Each atom's nearest neighbours, made mutual, and the angles between their bonds.

    ALIGNN's k-nearest rule (Choudhary & DeCost, npj Comput. Mater. 7, 185 (2021)): the nearest
    ``neighbours`` within ``cutoff`` and the whole shell of the last. Two differences from the
    published code: a shell is taken within a tolerance, so that rounding does not change the graph
    when the crystal is turned; and a bond from an atom to its own image is not doubled.

    Args:
        neighbours: how many nearest neighbours each atom is bonded to at least.
        cutoff: how far away a neighbour may be, Å. An atom with fewer neighbours has fewer bonds.
        shell_tolerance: distances that differ by less belong to one shell, Å.
        symmetry: True for the graph up to symmetry, which gives the same numbers from fewer
            members; False for the full graph.
        symmetry_tolerance: lengths (Å) and cosines that differ by less are equal by symmetry.
    """

    neighbours: int = 12
    cutoff: float = 8.0
    shell_tolerance: float = 1e-4
    symmetry: bool = True
    symmetry_tolerance: float = 1e-4

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise InfeasibleConfig(
                f"data.graph.neighbours={self.neighbours} must be at least 1: ALIGNN uses 12"
            )
        for name in ("cutoff", "shell_tolerance", "symmetry_tolerance"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise InfeasibleConfig(
                    f"data.graph.{name}={value} must be positive: try {getattr(type(self), name)}"
                )

    @property
    def key(self) -> str:
        """A hash of every parameter and of the builder's version."""
        return digest(
            f"graph {VERSION}",
            np.array([self.neighbours, self.symmetry], dtype=np.int64),
            np.array([self.cutoff, self.shell_tolerance, self.symmetry_tolerance], dtype=float),
        )

    def __call__(self, structure: Structure) -> CrystalGraph:
        """The graph of one structure.

        Raises:
            DataError: an atom without a neighbour within the cutoff; two atoms in one place.
        """
        graph = self._full(structure)
        return up_to_symmetry(graph, self.symmetry_tolerance) if self.symmetry else graph

    def _full(self, structure: Structure) -> CrystalGraph:
        bonds = nearest(structure, self.neighbours, self.cutoff, self.shell_tolerance)
        source, target = line_graph(bonds.source, bonds.target, len(structure))
        return CrystalGraph(
            species=structure.numbers.astype(np.int64),
            atom_multiplicity=np.ones(len(structure), np.int64),
            bond_source=bonds.source,
            bond_target=bonds.target,
            bond_length=bonds.length.astype(np.float32),
            bond_multiplicity=np.ones(len(bonds.source), np.int64),
            angle_source=source,
            angle_target=target,
            angle_cosine=cosines(bonds, source, target).astype(np.float32),
            angle_multiplicity=np.ones(len(source), np.int64),
        )
