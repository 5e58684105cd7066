"""A crystal's graph up to symmetry: one representative of each class of equal members.

Colour refinement (the Weisfeiler–Leman test) on the graph and its line graph at once.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt64

from trialsmith.graph.crystal_graph import CrystalGraph
from trialsmith.graph.sorting import order

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
ZERO = np.zeros(1, np.uint64)


def up_to_symmetry(
    graph: CrystalGraph, tolerance: float, crystal: Int[np.ndarray, "atoms"]
) -> CrystalGraph:
    """The same crystals with one atom, bond and angle for each class of equal ones.

    Start from the colours: an atom's is its element, a bond's the elements at its ends and its
    length, an angle's its two bonds and its cosine; lengths and cosines are equal within
    ``tolerance``. Then refine until no class splits any more:

        bond b: j→i  ←  (b, j, i, multiset of (source bond, angle) over the angles that end at b)
        atom i       ←  (i, multiset of the bonds that end at i)

    The partition is then equitable: two bonds of one class have sources of one class, targets of
    one class, and as many angles of each class; two atoms of one class have as many bonds of each
    class. Why that is exact: let the features of members of one class be equal before a layer of
    message passing. What an atom or a bond computes from itself, its ends and a sum over what ends
    at it is then equal for all of its class, term by term, so the features are equal after the
    layer; they are at the start, since they depend on element, length and cosine. A sum over the
    members that end at a representative counts each class as often as it occurs there, which is the
    ratio of the multiplicities (the same for all of the class: hence whole). Sums over the crystal
    count each class by its multiplicity. So the outputs are those of the full graph, up to
    ``tolerance`` in the lengths and cosines, for which the mean over the class is kept. A crystal
    without symmetry keeps every member.

    Quotients by an equitable partition: Godsil & Royle, Algebraic Graph Theory, section 9.3.
    The same as "fractional automorphism"; every symmetry of the crystal is one, not conversely.

    Nothing here asks that a bond is there in both directions, that an atom has a bond or a bond an
    angle: only what ends at a member counts.

    Args:
        graph: a full graph, of one crystal or of several that are not connected.
        tolerance: in Å for lengths, a pure number for cosines.
        crystal: which crystal each atom belongs to. It is part of an atom's element, so that
            members of different crystals are never one.
    """
    source, target = graph.bond_source, graph.bond_target
    elements = int(graph.species.max()) + 1
    species = crystal * elements + graph.species
    kind = species[source] * elements + graph.species[target]
    length = value_classes(graph.bond_length, kind, tolerance)
    # Angles are many: what atoms and bonds tell apart by themselves comes first.
    atom, bond = _refined(graph, _scramble(species), _scramble(length))
    while True:
        bonds = _Partition.of(bond)
        pair = bonds.label[graph.angle_source] * len(bonds.size) + bonds.label[graph.angle_target]
        angle = value_classes(graph.angle_cosine, pair, tolerance)
        atom, bond = _refined(graph, atom, bond, _scramble(angle))
        if _number(bond) == len(bonds.size):
            return _quotient(graph, _Partition.of(atom), bonds, _Partition.numbered(angle))


def value_classes(
    values: Float[np.ndarray, "members"],
    group: Int[np.ndarray, "members"],
    tolerance: float,
) -> Int[np.ndarray, "members"]:
    """Numbers classes of values of one group that are equal within ``tolerance``.

    Sorted values are cut where they step by more than ``tolerance``. Many small steps can still
    make a wide class, as in a large crystal without symmetry: such a class is cut again at smaller
    steps until none is wider than ``tolerance``. A cut thus always falls on a gap, not on a fixed
    grid, so that values which differ by much less than ``tolerance`` do not come apart. No value is
    below −1.
    """
    if len(values) == 0:
        return np.zeros(0, np.int64)
    by_value = order(values + 1, group)
    ordered, grouped = values[by_value], group[by_value]
    step = np.diff(ordered)
    cut = (grouped[1:] != grouped[:-1]) | (step > tolerance)
    gap = tolerance
    while True:
        start = np.flatnonzero(np.concatenate([[True], cut]))
        end = np.append(start[1:], len(values))
        wide = ordered[end - 1] - ordered[start] > tolerance
        if not wide.any():
            break
        gap /= 10
        cut |= (step > gap) & np.repeat(wide, end - start)[1:]
    classes = np.empty(len(values), np.int64)
    classes[by_value] = np.repeat(np.arange(len(start)), end - start)
    return classes


def _refined(
    graph: CrystalGraph,
    atom: UInt64[np.ndarray, "atoms"],
    bond: UInt64[np.ndarray, "bonds"],
    angle: UInt64[np.ndarray, "angles"] | None = None,
) -> tuple[UInt64[np.ndarray, "atoms"], UInt64[np.ndarray, "bonds"]]:
    """Refines the colours until the numbers of classes stay; a colour keeps its own history.

    Without ``angle`` the angles are not looked at.
    """
    into_atom = np.searchsorted(graph.bond_target, np.arange(len(atom) + 1))
    into_bond = np.searchsorted(graph.angle_target, np.arange(len(bond) + 1))
    found = _number(atom), _number(bond)
    while True:
        heard = bond
        if angle is not None:
            heard = bond + _sums(_scramble(bond[graph.angle_source] ^ angle), into_bond)
        bond = _hash(heard, atom[graph.bond_source], atom[graph.bond_target])
        atom = _hash(atom, _sums(_scramble(bond), into_atom))
        before, found = found, (_number(atom), _number(bond))
        if found == before:
            return atom, bond


def _sums(
    values: UInt64[np.ndarray, "members"], bounds: Int[np.ndarray, "ends"]
) -> UInt64[np.ndarray, "targets"]:
    """Sums of hashes between the bounds, modulo 2^64. They stand for multisets: orderless."""
    return np.diff(np.concatenate([ZERO, np.cumsum(values)])[bounds])


def _number(colour: UInt64[np.ndarray, "members"]) -> int:
    """How many colours there are."""
    ordered = np.sort(colour)
    return min(1, len(colour)) + int(np.count_nonzero(ordered[1:] != ordered[:-1]))


@dataclass(frozen=True)
class _Partition:
    """Classes numbered in the order of their first members."""

    label: Int[np.ndarray, "members"]
    first: Int[np.ndarray, "classes"]
    size: Int[np.ndarray, "classes"]

    @classmethod
    def of(cls, colour: UInt64[np.ndarray, "members"]) -> "_Partition":
        """Members of equal colour are one class."""
        return cls.numbered(np.unique(colour, return_inverse=True)[1])

    @classmethod
    def numbered(cls, label: Int[np.ndarray, "members"]) -> "_Partition":
        """Classes that are numbered from 0 in any order."""
        size = np.bincount(label)
        first = np.empty_like(size)
        first[label[::-1]] = np.arange(len(label))[::-1]  # the last that is written stays
        by_first = np.argsort(first)
        rank = np.empty_like(by_first)
        rank[by_first] = np.arange(len(by_first))
        return cls(rank[label], first[by_first], size[by_first])

    def mean(self, values: Float[np.ndarray, "members"]) -> Float[np.ndarray, "classes"]:
        total = np.bincount(self.label, weights=values)
        return (total / self.size).astype(values.dtype)


def _quotient(
    graph: CrystalGraph, atoms: _Partition, bonds: _Partition, angles: _Partition
) -> CrystalGraph:
    """One member a class.

    Classes in the order of their first members stay sorted by target: since every atom of a class
    receives each class of bonds, a class of bonds occurs first at the first atom of its targets.
    """
    return CrystalGraph(
        species=graph.species[atoms.first],
        atom_multiplicity=atoms.size,
        bond_source=atoms.label[graph.bond_source[bonds.first]],
        bond_target=atoms.label[graph.bond_target[bonds.first]],
        bond_length=bonds.mean(graph.bond_length),
        bond_multiplicity=bonds.size,
        angle_source=bonds.label[graph.angle_source[angles.first]],
        angle_target=bonds.label[graph.angle_target[angles.first]],
        angle_cosine=angles.mean(graph.angle_cosine),
        angle_multiplicity=angles.size,
    )


def _hash(first: np.ndarray, *others: np.ndarray) -> UInt64[np.ndarray, "members"]:
    """A 64-bit hash of each row. Two of a million rows collide with a chance of 3e-8."""
    value = _scramble(first)
    for column in others:
        value = _scramble(value ^ column)
    return value


def _scramble(x: np.ndarray) -> UInt64[np.ndarray, "members"]:
    """A step of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014), a bijection of 64 bits."""
    x = x.astype(np.uint64, copy=False) + GOLDEN
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
