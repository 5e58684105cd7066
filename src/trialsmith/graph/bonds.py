"""Directed bonds between the atoms of one crystal, or of several side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int


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

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, chosen: np.ndarray | slice) -> "Bonds":
        """Some of them: by a mask, by indices or by a slice."""
        return Bonds(
            self.source[chosen], self.target[chosen], self.vector[chosen], self.length[chosen]
        )


def side_by_side(bonds: Sequence[Bonds], sizes: Int[np.ndarray, "crystals"]) -> Bonds:
    """The bonds of several crystals as those of one, whose crystals are not connected.

    Args:
        sizes: how many atoms each crystal has.
    """
    shift = np.repeat(np.cumsum(sizes) - sizes, [len(own) for own in bonds])
    return Bonds(
        np.concatenate([own.source for own in bonds]) + shift,
        np.concatenate([own.target for own in bonds]) + shift,
        np.concatenate([own.vector for own in bonds]),
        np.concatenate([own.length for own in bonds]),
    )


def taken_apart(bonds: Bonds, sizes: Int[np.ndarray, "crystals"]) -> list[Bonds]:
    """The inverse of `side_by_side`."""
    atoms = np.concatenate([[0], np.cumsum(sizes)])
    ends = np.searchsorted(bonds.target, atoms).tolist()
    parts = []
    for k in range(len(sizes)):
        own = bonds[ends[k] : ends[k + 1]]
        parts.append(Bonds(own.source - atoms[k], own.target - atoms[k], own.vector, own.length))
    return parts
