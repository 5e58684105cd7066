"""The neighbour rule of the published package `alignn` 2026.8.11, bond for bond."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from matscipy.neighbours import neighbour_list

from trialsmith.errors import DataError
from trialsmith.graph.bonds import Bonds
from trialsmith.graph.neighbours import absurd_cell, compact, too_close
from trialsmith.graph.structure import Structure


def all_published(
    structures: Sequence[Structure], count: int, cutoff: float
) -> list[Bonds | DataError]:
    """Bonds from every atom to its first ``count`` neighbours within ``cutoff``, in float32.

    As `alignn.torch_graph_builder.build_pure_torch_graph` has it (its strategy `pure_torch`): a
    bond points from the atom that asks for it to the neighbour, which need not ask too; of
    neighbours at equal distances those are taken that torch's sort, which is not stable, puts
    first. So the graph follows the last bits of the coordinates: turning a crystal may change it.

    Args:
        structures: as their files have them: the order of atoms and the lattice vectors matter.
        count: neighbours wanted.
        cutoff: how far away a neighbour may be, Å. An atom without neighbours is left without.

    Returns:
        for each structure its bonds, or what is wrong with it: two atoms in one place, or a cell
        that is absurdly narrow or wide.
    """
    return [_published(structure, count, cutoff) for structure in structures]


def _published(structure: Structure, count: int, cutoff: float) -> Bonds | DataError:
    cell, positions, pbc = _as_given(structure)
    absurd = absurd_cell(cell, pbc, cutoff)
    if absurd is not None:
        return DataError(absurd)
    bonds = _bonds(cell, positions, pbc, count, cutoff)
    flaw = too_close(bonds)
    return bonds if flaw is None else DataError(flaw)


def _bonds(
    cell: Float64[np.ndarray, "3 3"],
    positions: Float64[np.ndarray, "atoms 3"],
    pbc: Bool[np.ndarray, "3"],
    count: int,
    cutoff: float,
) -> Bonds:
    source, target, shift = neighbour_list(
        "ijS", positions=positions, cell=cell, pbc=pbc, cutoff=float(cutoff)
    )
    at, images = positions.astype(np.float32), shift.astype(np.float32)
    vector = at[target] - at[source] + images @ cell.astype(np.float32)
    length = _lengths(vector)
    found = np.bincount(source, minlength=len(positions))
    rank = np.arange(len(source)) - np.repeat(np.cumsum(found) - found, found)
    nearest_first = _argsort(length)
    kept = nearest_first[np.argsort(source[nearest_first], kind="stable")][rank < count]
    kept = kept[np.lexsort((length[kept], target[kept]))]
    return Bonds(
        source[kept].astype(np.int64),
        target[kept].astype(np.int64),
        vector[kept].astype(np.float64),
        length[kept].astype(np.float64),
    )


def _as_given(structure: Structure) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The package takes every crystal as periodic; others get the cell of our own rule."""
    if not all(structure.pbc):
        return compact(structure)
    cell, positions = structure.cell.astype(np.float64), structure.positions.astype(np.float64)
    return cell, positions, np.array(structure.pbc)


def _argsort(length: Float32[np.ndarray, "bonds"]) -> Int64[np.ndarray, "bonds"]:
    """By torch, as in the package: the order of equal lengths is a property of its sort alone."""
    import torch  # here, so that trialsmith.graph is imported without it

    return torch.argsort(torch.from_numpy(length)).numpy()


def _lengths(vector: Float32[np.ndarray, "bonds 3"]) -> Float32[np.ndarray, "bonds"]:
    """√(x² + y² + z²) as torch rounds it: to float32 after each fused product and sum."""
    x, y, z = vector.astype(np.float64).T
    square = (x * x).astype(np.float32)
    for component in (y, z):
        square = (component * component + square).astype(np.float32)
    return np.sqrt(square)
