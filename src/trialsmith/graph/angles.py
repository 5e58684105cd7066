"""The line graph: which bonds follow each other, and at what angle."""

import numpy as np
from jaxtyping import Float64, Int

from trialsmith.graph.neighbours import Bonds


def line_graph(
    source: Int[np.ndarray, "bonds"], target: Int[np.ndarray, "bonds"], atoms: int
) -> tuple[Int[np.ndarray, "angles"], Int[np.ndarray, "angles"]]:
    """All pairs of bonds (k→j, j→i), as (source bond, target bond), sorted by target bond.

    Args:
        source, target: of the bonds, sorted by target.
        atoms: how many atoms there are.
    """
    into = np.bincount(target, minlength=atoms)
    first = np.cumsum(into) - into  # where the bonds into an atom begin
    sizes = into[source]
    angle_target = np.repeat(np.arange(len(source)), sizes)
    rank = np.arange(len(angle_target)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.repeat(first[source], sizes) + rank, angle_target


def cosines(
    bonds: Bonds, source: Int[np.ndarray, "angles"], target: Int[np.ndarray, "angles"]
) -> Float64[np.ndarray, "angles"]:
    """cos ∠(kji) = −û(k→j) · û(j→i), for the bonds k→j and j→i of every angle."""
    unit = bonds.vector / bonds.length[:, None]
    return np.clip(-np.einsum("ax,ax->a", unit[source], unit[target]), -1.0, 1.0)
