"""A crystal's graph up to symmetry: one representative of each class of equal members.

Colour refinement (the Weisfeiler–Leman test) on the graph and its line graph at once.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Int, UInt64

from trialsmith.compilation import compiled
from trialsmith.graph.crystal_graph import CrystalGraph
from trialsmith.graph.sorting import order

NO_ANGLE = np.zeros(0, np.int64)


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
    atom, bond = _refined(graph, species.astype(np.uint64), length.astype(np.uint64))
    bonds = _Partition.of(bond)
    angle = np.zeros(len(graph.angle_cosine), np.int64)
    unsettled = np.ones(len(angle), bool)
    while True:
        # Where neither bond's class has split, an angle stays among the same others.
        sources, targets = graph.angle_source[unsettled], graph.angle_target[unsettled]
        pair = bonds.label[sources] * len(bonds.size) + bonds.label[targets]
        classes = value_classes(graph.angle_cosine[unsettled], pair, tolerance)
        angle[unsettled] = classes + angle.max(initial=0) + 1  # numbers that no other class has
        atom, bond = _refined(graph, atom, bond, angle)
        coarse, bonds = bonds, _Partition.of(bond)
        if len(bonds.size) == len(coarse.size):
            return _quotient(graph, _Partition.of(atom), bonds, _Partition.numbered(angle))
        split = bonds.size[bonds.label] < coarse.size[coarse.label]
        unsettled = split[graph.angle_source] | split[graph.angle_target]


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
    angle: Int[np.ndarray, "angles"] = NO_ANGLE,
) -> tuple[UInt64[np.ndarray, "atoms"], UInt64[np.ndarray, "bonds"]]:
    """Refines the colours until the numbers of classes stay; a colour keeps its own history.

    Without ``angle`` the angles are not looked at.
    """
    members = graph.bond_source, graph.bond_target, graph.angle_source, graph.angle_target
    found = _number(atom), _number(bond)
    while True:
        atom, bond = _refine(atom, bond, angle, *members)
        before, found = found, (_number(atom), _number(bond))
        if found == before:
            return atom, bond


@compiled
@no_type_check
def _refine(atom, bond, angle, bond_source, bond_target, angle_source, angle_target):
    """One step for all. Sums of hashes, modulo 2^64, stand for multisets: orderless."""
    heard = bond.copy()
    for a in range(len(angle)):
        heard[angle_target[a]] += _hash(bond[angle_source[a]], np.uint64(angle[a]))
    new_bond, gathered = np.empty_like(bond), np.zeros_like(atom)
    for b in range(len(bond)):
        source, target = bond_source[b], bond_target[b]
        new_bond[b] = _hash(_hash(heard[b], atom[source]), atom[target])
        gathered[target] += _scramble(new_bond[b])
    new_atom = np.empty_like(atom)
    for i in range(len(atom)):
        new_atom[i] = _hash(atom[i], gathered[i])
    return new_atom, new_bond


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
        """Classes that are numbered in any order, by some of the numbers from 0 on."""
        return cls(*_in_order_of_first(label, int(label.max(initial=-1)) + 1))

    def mean(self, values: Float[np.ndarray, "members"]) -> Float[np.ndarray, "classes"]:
        total = np.bincount(self.label, weights=values)
        return (total / self.size).astype(values.dtype)


@compiled
@no_type_check
def _in_order_of_first(label, numbers):
    """Labels, first members and sizes of the classes, anew in the order of their first members."""
    rank = np.full(numbers, -1)
    new, first, size = np.empty_like(label), np.empty_like(rank), np.zeros_like(rank)
    classes = 0
    for k in range(len(label)):
        if rank[label[k]] < 0:
            rank[label[k]], first[classes] = classes, k
            classes += 1
        new[k] = rank[label[k]]
        size[new[k]] += 1
    return new, first[:classes], size[:classes]


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


@compiled
@no_type_check
def _hash(first, second):
    """64 bits of the two. Two of a million hashes are equal with a chance of 3e-8."""
    return _scramble(_scramble(first) ^ second)


@compiled
@no_type_check
def _scramble(x):
    """A step of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014), a bijection of 64 bits."""
    x += np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
