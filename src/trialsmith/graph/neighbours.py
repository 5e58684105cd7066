"""Each atom's nearest neighbours in a periodic structure."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int
from matscipy.neighbours import neighbour_list

from trialsmith.errors import DataError
from trialsmith.graph.structure import Structure

# Two atoms that are closer, in Å, are one atom given twice or two that share a site.
TOO_CLOSE = 0.1
# The first search is over a sphere that holds this many times the wanted neighbours on average.
FIRST_SPHERE = 2.2


@dataclass(frozen=True, eq=False)
class Bonds:
    """Directed bonds from a source to a target, sorted by target and then by length.

    Attributes:
        source, target: indices of atoms.
        vector: from the source to the target, Å.
        length: Å.
    """

    source: Int[np.ndarray, "bonds"]
    target: Int[np.ndarray, "bonds"]
    vector: Float64[np.ndarray, "bonds 3"]
    length: Float64[np.ndarray, "bonds"]


def nearest(
    structure: Structure, count: int, cutoff: float, tolerance: float, mutual: bool = True
) -> Bonds:
    """Bonds to every atom's ``count`` nearest neighbours, and to all as far as the last of them.

    Let r_i be the distance of atom i's ``count``-th neighbour, or of its last one within
    ``cutoff``. There is a bond between i and j at the distance d if d ≤ max(r_i, r_j) + tolerance:
    the relation is symmetric, so each bond is there once in either direction. It does not depend
    on rounding, because the whole shell at r_i belongs to it.

    Args:
        structure: any lattice vectors, periodic in any number of directions.
        count: neighbours wanted.
        cutoff: how far away a neighbour may be, Å.
        tolerance: distances that differ by less are one shell, Å.
        mutual: False keeps only what the target asks for, d ≤ r_target + tolerance.

    Raises:
        DataError: an atom without a neighbour within ``cutoff``; two atoms in one place.
    """
    cell, positions, pbc = _compact(structure)
    # A shell at exactly the cutoff, common with round lattice constants, is in or out as a whole.
    limit = cutoff + tolerance
    volume_per_atom = abs(np.linalg.det(cell)) / len(structure)
    radius = min(limit, (FIRST_SPHERE * count * volume_per_atom * 3 / (4 * np.pi)) ** (1 / 3))
    while True:
        bonds = _within(radius, cell, positions, pbc)
        found = np.bincount(bonds.target, minlength=len(structure))
        if found.min() >= count or radius >= limit:
            _check(structure, bonds, found, cutoff)
            last = np.cumsum(found) - found + np.minimum(found, count) - 1
            reach = bonds.length[last] + tolerance
            if reach.max() <= radius or radius >= limit:
                break
        radius = min(limit, 1.3 * radius)
    reach = np.maximum(reach[bonds.source], reach[bonds.target]) if mutual else reach[bonds.target]
    kept = bonds.length <= reach
    return Bonds(bonds.source[kept], bonds.target[kept], bonds.vector[kept], bonds.length[kept])


def _within(
    radius: float,
    cell: Float64[np.ndarray, "3 3"],
    positions: Float64[np.ndarray, "atoms 3"],
    pbc: np.ndarray,
) -> Bonds:
    """All bonds of at most ``radius`` Å."""
    i, j, vector, shift = neighbour_list(
        "ijDS", positions=positions, cell=cell, pbc=pbc, cutoff=float(radius)
    )
    # Half of them, then their mirror images: both directions of a bond get the very same length.
    width = 2 * int(np.abs(shift).max(initial=0)) + 1
    image = (shift[:, 0].astype(np.int64) * width + shift[:, 1]) * width + shift[:, 2]
    half = (i < j) | ((i == j) & (image > 0))
    i, j, vector = i[half].astype(np.int64), j[half].astype(np.int64), vector[half]
    source, target = np.concatenate([i, j]), np.concatenate([j, i])
    vector = np.concatenate([vector, -vector])
    length = np.sqrt(np.einsum("bx,bx->b", vector, vector))
    order = np.lexsort((length, target))
    return Bonds(source[order], target[order], vector[order], length[order])


def _compact(structure: Structure) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same atoms in a cell without long skewed vectors: (cell, positions, periodic).

    A search over a skewed cell visits very many images. Directions that are not periodic become
    orthogonal to the others and as long as the structure.
    """
    pbc = np.array(structure.pbc)
    periodic = _short_vectors(structure.cell[pbc].astype(np.float64))
    positions = structure.positions.astype(np.float64)
    if pbc.all():
        return periodic, positions, pbc
    # The last right singular vectors span what the periodic vectors do not.
    free = np.linalg.svd(periodic, full_matrices=True)[2][len(periodic) :]
    along = positions @ free.T
    positions = positions - (along.min(axis=0) - 0.5) @ free
    extent = np.ptp(along, axis=0) + 1.0
    cell = np.concatenate([periodic, free * extent[:, None]])
    return cell, positions, np.arange(3) < len(periodic)


def _short_vectors(vectors: Float64[np.ndarray, "vectors 3"]) -> Float64[np.ndarray, "vectors 3"]:
    """Short vectors of the same lattice, by Lagrange's reduction of every pair in turn."""
    vectors = vectors.copy()
    reduced = len(vectors) < 2
    while not reduced:
        reduced = True
        order = np.argsort(np.einsum("vx,vx->v", vectors, vectors), kind="stable")
        for a in range(1, len(order)):
            for b in range(a):
                long, short = vectors[order[a]], vectors[order[b]]
                times = np.rint(long @ short / (short @ short))
                # One that is exactly half way gains nothing: it would turn back and forth.
                candidate = long - times * short
                if candidate @ candidate < (1 - 1e-9) * (long @ long):
                    vectors[order[a]] = candidate
                    reduced = False
    return vectors


def _check(structure: Structure, bonds: Bonds, found: np.ndarray, cutoff: float) -> None:
    if found.min() == 0:
        atom = int(np.argmin(found))
        raise DataError(
            f"atom {atom} (Z = {structure.numbers[atom]}) has no neighbour within {cutoff} Å: "
            "raise data.graph.cutoff, or check the lattice and its unit"
        )
    if bonds.length.min() < TOO_CLOSE:
        closest = int(np.argmin(bonds.length))
        raise DataError(
            f"atoms {bonds.source[closest]} and {bonds.target[closest]} are "
            f"{bonds.length[closest]:.3f} Å apart (at least {TOO_CLOSE} Å is possible): "
            "remove the duplicate, or resolve the partly occupied site"
        )
