"""A crystal's graph up to symmetry: one representative of each class of equal members.

Colour refinement (the Weisfeiler–Leman test) on the graph and its line graph at once.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt64

from trialsmith.graph.crystal_graph import CrystalGraph

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def up_to_symmetry(graph: CrystalGraph, tolerance: float) -> CrystalGraph:
    """The same crystal with one atom, bond and angle for each class of equal ones.

    Start from the colours: an atom's is its element, a bond's the elements at its ends and its
    length, an angle's its cosine; lengths and cosines are equal within ``tolerance``. Then refine
    until no class splits any more:

        bond b: j→i  ←  (b, j, i, multiset of (source bond, cosine) over the angles that end at b)
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

    Args:
        graph: a full graph; each atom has a bond, and each bond is there in both directions.
        tolerance: in Å for lengths, a pure number for cosines.
    """
    species = graph.species.astype(np.uint64)
    source, target = graph.bond_source, graph.bond_target
    ends = _hash(species[source], species[target])
    length_class = value_classes(graph.bond_length, ends, tolerance)
    bond = _hash(ends, length_class)
    pair = _hash(bond[graph.angle_source], bond[graph.angle_target])
    cosine_class = value_classes(graph.angle_cosine, pair, tolerance)
    atom, bond = _refine(graph, _hash(species), bond, _hash(cosine_class))
    return _quotient(graph, _Partition.of(atom), _Partition.of(bond), cosine_class)


def value_classes(
    values: Float[np.ndarray, "members"],
    group: UInt64[np.ndarray, "members"],
    tolerance: float,
) -> Int[np.ndarray, "members"]:
    """Numbers classes of values of one group that are equal within ``tolerance``.

    Sorted values are cut where they step by more than ``tolerance``. Many small steps can still
    make a wide class, as in a large crystal without symmetry: such a class is cut again at smaller
    steps until none is wider than ``tolerance``. A cut thus always falls on a gap, not on a fixed
    grid, so that values which differ by rounding only do not come apart.
    """
    order = np.lexsort((values, group))
    ordered, grouped = values[order], group[order]
    step = np.diff(ordered)
    cut = (grouped[1:] != grouped[:-1]) | (step > tolerance)
    gap = tolerance
    while True:
        label = np.concatenate([[0], np.cumsum(cut)])
        start = np.flatnonzero(np.concatenate([[True], cut]))
        end = np.concatenate([start[1:], [len(ordered)]]) - 1
        wide = ordered[end] - ordered[start] > tolerance
        if not wide.any():
            break
        gap /= 10
        cut |= (step > gap) & wide[label[1:]]
    classes = np.empty_like(label)
    classes[order] = label
    return classes


def _refine(
    graph: CrystalGraph,
    atom: UInt64[np.ndarray, "atoms"],
    bond: UInt64[np.ndarray, "bonds"],
    cosine: UInt64[np.ndarray, "angles"],
) -> tuple[UInt64[np.ndarray, "atoms"], UInt64[np.ndarray, "bonds"]]:
    """Refines the colours until the numbers of classes stay; a colour keeps its own history."""
    into_atom = np.searchsorted(graph.bond_target, np.arange(len(atom)))
    into_bond = np.searchsorted(graph.angle_target, np.arange(len(bond)))
    found = (0, 0)
    while True:
        # The sum of hashes, modulo 2^64, stands for the multiset: it knows no order.
        angles = np.add.reduceat(_scramble(bond[graph.angle_source] ^ cosine), into_bond)
        bond = _hash(bond, atom[graph.bond_source], atom[graph.bond_target], angles)
        atom = _hash(atom, np.add.reduceat(_scramble(bond), into_atom))
        before, found = found, (len(np.unique(atom)), len(np.unique(bond)))
        if found == before:
            return atom, bond


@dataclass(frozen=True)
class _Partition:
    """Classes of equal colour, numbered in the order of their first members."""

    label: Int[np.ndarray, "members"]
    first: Int[np.ndarray, "classes"]
    size: Int[np.ndarray, "classes"]

    @classmethod
    def of(cls, colour: UInt64[np.ndarray, "members"]) -> "_Partition":
        _, first, inverse, size = np.unique(
            colour, return_index=True, return_inverse=True, return_counts=True
        )
        order = np.argsort(first)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        return cls(rank[inverse], first[order], size[order])

    def mean(self, values: Float[np.ndarray, "members"]) -> Float[np.ndarray, "classes"]:
        total = np.bincount(self.label, weights=values.astype(np.float64))
        return (total / self.size).astype(values.dtype)


def _quotient(
    graph: CrystalGraph, atoms: _Partition, bonds: _Partition, cosine_class: np.ndarray
) -> CrystalGraph:
    """One member a class.

    Classes in the order of their first members stay sorted by target: since every atom of a class
    receives each class of bonds, a class of bonds occurs first at the first atom of its targets.
    """
    angle_source = bonds.label[graph.angle_source]
    angle_target = bonds.label[graph.angle_target]
    angles = _Partition.of(
        _hash(*(x.astype(np.uint64) for x in (angle_source, angle_target, cosine_class)))
    )
    return CrystalGraph(
        species=graph.species[atoms.first],
        atom_multiplicity=atoms.size,
        bond_source=atoms.label[graph.bond_source[bonds.first]],
        bond_target=atoms.label[graph.bond_target[bonds.first]],
        bond_length=bonds.mean(graph.bond_length),
        bond_multiplicity=bonds.size,
        angle_source=angle_source[angles.first],
        angle_target=angle_target[angles.first],
        angle_cosine=angles.mean(graph.angle_cosine),
        angle_multiplicity=angles.size,
    )


def _hash(*columns: np.ndarray) -> UInt64[np.ndarray, "members"]:
    """A 64-bit hash of each row. Two of a million rows collide with a chance of 3e-8."""
    value = np.zeros_like(columns[0], dtype=np.uint64)
    for column in columns:
        value = _scramble((value + GOLDEN) ^ column.astype(np.uint64))
    return value


def _scramble(x: UInt64[np.ndarray, "members"]) -> UInt64[np.ndarray, "members"]:
    """The finaliser of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014), a bijection of 64 bits."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
