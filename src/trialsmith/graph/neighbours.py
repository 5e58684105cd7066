"""Each atom's nearest neighbours in a periodic structure."""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from jaxtyping import Bool, Float64

from trialsmith.errors import DataError
from trialsmith.graph.bonds import Bonds, taken_apart
from trialsmith.graph.pairs import pairs_within
from trialsmith.graph.sorting import order
from trialsmith.graph.structure import Structure

# Two atoms that are closer, in Å, are one atom given twice or two that share a site.
TOO_CLOSE = 0.1
# The first search is over a sphere that holds this many times the wanted neighbours on average.
FIRST_SPHERE = 1.8
# A cell of more cubes as wide as the cutoff is taken for one in another unit: one that is 2,000 Å
# wide, with a cutoff of 8 Å, has a sixth of them.
_MOST_CUBES = 1e8


def nearest(
    structure: Structure, count: int, cutoff: float, tolerance: float, mutual: bool = True
) -> Bonds:
    """The bonds of one structure; see `all_nearest`.

    Raises:
        DataError: an atom without a neighbour within ``cutoff``; two atoms in one place.
    """
    (bonds,) = all_nearest([structure], count, cutoff, tolerance, mutual)
    if isinstance(bonds, DataError):
        raise bonds
    return bonds


def all_nearest(
    structures: Sequence[Structure],
    count: int,
    cutoff: float,
    tolerance: float,
    mutual: bool = True,
) -> list[Bonds | DataError]:
    """Bonds to every atom's ``count`` nearest neighbours, and to all as far as the last of them.

    Let r_i be the distance of atom i's ``count``-th neighbour, or of its last one within
    ``cutoff``. There is a bond between i and j at the distance d if d ≤ max(r_i, r_j) + tolerance:
    the relation is symmetric, so each bond is there once in either direction. It does not depend
    on rounding, because the whole shell at r_i belongs to it.

    Args:
        structures: any lattice vectors, periodic in any number of directions; several at once are
            quicker than one by one.
        count: neighbours wanted.
        cutoff: how far away a neighbour may be, Å.
        tolerance: distances that differ by less are one shell, Å.
        mutual: False keeps only what the target asks for, d ≤ r_target + tolerance.

    Returns:
        for each structure its bonds or what is wrong with it: an atom without a neighbour within
        ``cutoff``, two atoms in one place, or a cell that is absurdly narrow or wide.
    """
    # A shell at exactly the cutoff, common with round lattice constants, is in or out as a whole.
    limit = cutoff + tolerance
    cells = [compact(structure) for structure in structures]
    sizes = np.array([len(structure) for structure in structures])
    volume = np.abs(np.linalg.det(np.array([cell for cell, _, _ in cells])))
    radius = np.minimum(limit, (FIRST_SPHERE * count * volume / sizes * 3 / (4 * np.pi)) ** (1 / 3))
    found: dict[int, Bonds] = {}
    absurd = [absurd_cell(cell, pbc, r) for (cell, _, pbc), r in zip(cells, radius, strict=True)]
    searched = np.flatnonzero([flaw is None for flaw in absurd])
    while len(searched):
        own = sizes[searched]
        bonds = _within(radius[searched], [cells[k] for k in searched])
        reach = _reach(bonds, count, int(own.sum())) + tolerance
        enough = reach <= np.repeat(radius[searched], own)
        done = np.logical_and.reduceat(enough, np.cumsum(own) - own) | (radius[searched] >= limit)
        reach[reach == np.inf] = limit  # there are fewer neighbours than wanted, and all belong
        there = reach[bonds.target]
        if mutual:
            there = np.maximum(there, reach[bonds.source])
        parts = taken_apart(bonds[bonds.length <= there], own)
        found |= {k: parts[i] for i, k in enumerate(searched.tolist()) if done[i]}
        searched = searched[~done]
        radius[searched] = np.minimum(limit, 1.3 * radius[searched])
    flaws = [
        absurd[k] or _flaw(structure, found[k], cutoff) for k, structure in enumerate(structures)
    ]
    return [found[k] if flaw is None else DataError(flaw) for k, flaw in enumerate(flaws)]


def _reach(bonds: Bonds, count: int, atoms: int) -> Float64[np.ndarray, "atoms"]:
    """The distance of each atom's ``count``-th neighbour; infinite where there are fewer."""
    found = np.bincount(bonds.target, minlength=atoms)
    enough = found >= count
    reach = np.full(atoms, np.inf)
    reach[enough] = bonds.length[(np.cumsum(found) - found + count - 1)[enough]]
    return reach


def _within(
    radius: Float64[np.ndarray, "crystals"],
    cells: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> Bonds:
    """All bonds of at most ``radius`` Å, in crystals side by side."""
    sizes = np.array([len(positions) for _, positions, _ in cells])
    positions = np.concatenate([positions for _, positions, _ in cells])
    lattices, periodic = (np.array([cell[k] for cell in cells]) for k in (0, 2))
    i, j, vector = pairs_within(radius, sizes, positions, lattices, periodic)
    # and their mirror images: both directions of a bond get the very same length
    source, target = np.concatenate([i, j]), np.concatenate([j, i])
    vector = np.concatenate([vector, -vector])
    length = np.sqrt(np.einsum("bx,bx->b", vector, vector))
    return Bonds(source, target, vector, length)[order(length, target)]


def compact(structure: Structure) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same atoms in a cell without long skewed vectors: (cell, positions, periodic).

    A search over a skewed cell visits many images in vain. Directions that are not periodic become
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
    while True:
        gram = (vectors @ vectors.T).tolist()
        for a, b in permutations(range(len(vectors)), 2):
            times = round(gram[a][b] / gram[b][b])
            shorter = gram[a][a] - 2 * times * gram[a][b] + times**2 * gram[b][b]
            # One that is exactly half way gains nothing: it would turn back and forth.
            if shorter < (1 - 1e-9) * gram[a][a]:
                vectors[a] -= times * vectors[b]
                break
        else:
            return vectors


def _flaw(structure: Structure, bonds: Bonds, cutoff: float) -> str | None:
    found = np.bincount(bonds.target, minlength=len(structure))
    if found.min() == 0:
        atom = int(np.argmin(found))
        return (
            f"atom {atom} (Z = {structure.numbers[atom]}) has no neighbour within {cutoff} Å: "
            "raise data.graph.cutoff, or check the lattice and its unit"
        )
    return too_close(bonds)


def absurd_cell(
    cell: Float64[np.ndarray, "3 3"], periodic: Bool[np.ndarray, "3"], cutoff: float
) -> str | None:
    """What is wrong with a cell in which a search would fill the memory, or find what cannot be."""
    sides = np.sqrt((cell**2).sum(axis=1))
    shortest = sides[periodic].min(initial=np.inf)
    if shortest < TOO_CLOSE:
        return (
            f"the lattice repeats every {shortest:.2g} Å (at least {TOO_CLOSE} Å is possible): "
            "check the unit"
        )
    if abs(np.linalg.det(cell)) <= _MOST_CUBES * cutoff**3:
        return None
    span = " × ".join(f"{side:,.0f}" for side in sides)
    return f"the cell, or the atoms where it does not repeat, span {span} Å: check the unit"


def too_close(bonds: Bonds) -> str | None:
    """What is wrong where two atoms are in one place."""
    if bonds.length.min(initial=np.inf) >= TOO_CLOSE:
        return None
    closest = int(np.argmin(bonds.length))
    return (
        f"atoms {bonds.source[closest]} and {bonds.target[closest]} are "
        f"{bonds.length[closest]:.3f} Å apart (at least {TOO_CLOSE} Å is possible): "
        "remove the duplicate, or resolve the partly occupied site"
    )
