"""The line graph: which bonds follow each other, and at what angle."""

import numpy as np
from jaxtyping import Bool, Float64, Int

from trialsmith.graph.bonds import Bonds


def line_graph(
    source: Int[np.ndarray, "bonds"],
    target: Int[np.ndarray, "bonds"],
    atoms: int,
    chosen: Bool[np.ndarray, "bonds"] | None = None,
) -> tuple[Int[np.ndarray, "angles"], Int[np.ndarray, "angles"]]:
    """All pairs of bonds (k→j, j→i), as (source bond, target bond), sorted by target bond.

    Args:
        source, target: of the bonds, sorted by target.
        atoms: how many atoms there are.
        chosen: the bonds that take part; None: all.
    """
    if chosen is not None:
        taking_part = np.flatnonzero(chosen)
        pairs = line_graph(source[chosen], target[chosen], atoms)
        return taking_part[pairs[0]], taking_part[pairs[1]]
    into = np.bincount(target, minlength=atoms)
    sizes = into[source]
    first = (np.cumsum(into) - into)[source]  # where the bonds into the source begin
    begin = np.cumsum(sizes) - sizes
    angle_target = np.repeat(np.arange(len(source)), sizes)
    return np.repeat(first - begin, sizes) + np.arange(len(angle_target)), angle_target


def cosines(
    bonds: Bonds, source: Int[np.ndarray, "angles"], target: Int[np.ndarray, "angles"]
) -> Float64[np.ndarray, "angles"]:
    """cos ∠(kji) = −û(k→j) · û(j→i), for the bonds k→j and j→i of every angle."""
    unit = bonds.vector / bonds.length[:, None]
    # Component by component: gathering rows of three takes five times as long.
    x, y, z = unit.T
    dot = x[source] * x[target] + y[source] * y[target] + z[source] * z[target]
    return np.clip(-dot, -1.0, 1.0)
