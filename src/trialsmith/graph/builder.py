"""From crystals to their graphs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import version
from typing import Any

import numpy as np

from trialsmith.errors import DataError, InfeasibleConfig
from trialsmith.graph.angles import cosines, line_graph
from trialsmith.graph.bonds import Bonds, side_by_side
from trialsmith.graph.cache import digest
from trialsmith.graph.crystal_graph import CrystalGraph
from trialsmith.graph.neighbours import all_nearest
from trialsmith.graph.published import all_published
from trialsmith.graph.structure import Structure
from trialsmith.graph.symmetry import up_to_symmetry
from trialsmith.graph.union import separated

# Raise it whenever a graph comes out different for the same parameters: old caches are left alone.
VERSION = 4
# So many atoms go through numpy at once: enough that its calls cost nothing, few enough that the
# angles stay in the processor's cache.
_AT_ONCE = 400
# (cutoff, angle cutoff) in Å, unless others are given.
_REACH = {"nearest": (8.0, None), "published": (5.0, 3.5)}


@dataclass(frozen=True)
class GraphBuilder:
    """Each atom's nearest neighbours and the angles between their bonds.

    The rule `nearest` is ALIGNN's (Choudhary & DeCost, npj Comput. Mater. 7, 185 (2021)), as in
    `alignn` 2024.12.12: the nearest ``neighbours`` within ``cutoff`` and the whole shell of the
    last, made mutual. Two differences from that code: a shell is taken within a tolerance, so that
    rounding does not change the graph when the crystal is turned; and a bond from an atom to its
    own image is not doubled.

    The rule `published` is that of `alignn` 2026.8.11, for its very numbers; see `all_published`.

    Args:
        rule: `nearest` or `published`.
        neighbours: how many nearest neighbours each atom is bonded to: at least so many with
            `nearest`, at most with `published`.
        cutoff: how far away a neighbour may be, Å. An atom with fewer neighbours has fewer bonds.
            None: the rule's own, 8 with `nearest` and 5 with `published`.
        angle_cutoff: only bonds up to this length form angles, Å. None: the rule's own, all bonds
            with `nearest` and those up to 3.5 Å with `published`.
        shell_tolerance: distances that differ by less belong to one shell, Å; not for `published`.
        symmetry: True for the graph up to symmetry, which gives the same numbers from fewer
            members; False for the full graph.
        symmetry_tolerance: lengths (Å) and cosines that differ by less are equal by symmetry.
    """

    rule: str = "nearest"
    neighbours: int = 12
    cutoff: float | None = None
    angle_cutoff: float | None = None
    shell_tolerance: float = 1e-4
    symmetry: bool = True
    symmetry_tolerance: float = 1e-4

    def __post_init__(self) -> None:
        if self.rule not in _REACH:
            raise InfeasibleConfig(
                f"data.graph.rule={self.rule} is unknown: choose {' or '.join(_REACH)}"
            )
        if not isinstance(self.symmetry, bool):
            raise InfeasibleConfig(f"data.graph.symmetry={self.symmetry} must be true or false")
        if not _whole(self.neighbours) or self.neighbours < 1:
            raise InfeasibleConfig(
                f"data.graph.neighbours={self.neighbours} must be a whole number of at least 1: "
                "ALIGNN uses 12"
            )
        for name in ("cutoff", "angle_cutoff", "shell_tolerance", "symmetry_tolerance"):
            value, default = getattr(self, name), getattr(type(self), name)
            number = _whole(value) or isinstance(value, float)
            if value is not None and not (number and 0 < value < float("inf")):
                remedy = "null, the rule's own" if default is None else default
                raise InfeasibleConfig(
                    f"data.graph.{name}={value} must be a positive number: try {remedy}"
                )

    @property
    def key(self) -> str:
        """A hash of every parameter and of the builder's version."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values["cutoff"], values["angle_cutoff"] = self._reach()
        # the published rule breaks ties as torch's sort does
        sort = version("torch") if self.rule == "published" else ""
        return digest(f"graph {VERSION} {sort}", *(f"{k}={v}" for k, v in values.items()))

    def __call__(self, structure: Structure) -> CrystalGraph:
        """The graph of one structure.

        Raises:
            DataError: with `nearest`, an atom without a neighbour within the cutoff; two atoms in
                one place.
        """
        (graph,) = self.graphs([structure])
        if isinstance(graph, DataError):
            raise graph
        return graph

    def graphs(self, structures: Sequence[Structure]) -> list[CrystalGraph | DataError]:
        """The graph of each structure, or why it has none: the same as one by one, but quicker."""
        found: list[CrystalGraph | DataError] = []
        for chunk in _chunks(structures):
            bonds = self._bonds(chunk)
            drawn = [(s, b) for s, b in zip(chunk, bonds, strict=True) if isinstance(b, Bonds)]
            graphs = iter(self._drawn(*zip(*drawn, strict=True)) if drawn else [])
            found += [next(graphs) if isinstance(b, Bonds) else b for b in bonds]
        return found

    def _reach(self) -> tuple[float, float | None]:
        cutoff, angle_cutoff = _REACH[self.rule]
        given = self.angle_cutoff or angle_cutoff
        return float(self.cutoff or cutoff), None if given is None else float(given)

    def _bonds(self, structures: Sequence[Structure]) -> list[Bonds | DataError]:
        cutoff, _ = self._reach()
        if self.rule == "published":
            return all_published(structures, self.neighbours, cutoff)
        return all_nearest(structures, self.neighbours, cutoff, self.shell_tolerance)

    def _drawn(self, structures: Sequence[Structure], bonds: Sequence[Bonds]) -> list[CrystalGraph]:
        """Graphs from bonds: as one graph whose crystals are not connected, then taken apart."""
        sizes = np.array([len(structure) for structure in structures])
        union = self._full(
            np.concatenate([s.numbers for s in structures]), side_by_side(bonds, sizes)
        )
        if self.symmetry:
            crystal = np.repeat(np.arange(len(sizes)), sizes)
            union = up_to_symmetry(union, self.symmetry_tolerance, crystal)
        return separated(union, sizes)

    def _full(self, numbers: np.ndarray, bonds: Bonds) -> CrystalGraph:
        _, reach = self._reach()
        if reach is not None and self.rule == "nearest":
            reach += self.shell_tolerance  # a shell at exactly the cutoff is in as a whole
        chosen = None if reach is None else bonds.length <= reach
        source, target = line_graph(bonds.source, bonds.target, len(numbers), chosen)
        return CrystalGraph(
            species=numbers.astype(np.int64),
            atom_multiplicity=np.ones(len(numbers), np.int64),
            bond_source=bonds.source,
            bond_target=bonds.target,
            bond_length=bonds.length.astype(np.float32),
            bond_multiplicity=np.ones(len(bonds.source), np.int64),
            angle_source=source,
            angle_target=target,
            angle_cosine=cosines(bonds, source, target).astype(np.float32),
            angle_multiplicity=np.ones(len(source), np.int64),
        )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _chunks(structures: Sequence[Structure]) -> Iterator[Sequence[Structure]]:
    """Structures that follow each other, so many that there are ``_AT_ONCE`` atoms."""
    begin = atoms = 0
    for end, structure in enumerate(structures):
        if atoms and atoms + len(structure) > _AT_ONCE:
            yield structures[begin:end]
            begin, atoms = end, 0
        atoms += len(structure)
    if atoms:
        yield structures[begin:]
