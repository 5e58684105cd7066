"""Structures as flat arrays, for the cache, and from ASE's objects."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trialsmith.graph import Structure


def structure_of_atoms(atoms: Any) -> Structure:
    """The structure of ASE's `Atoms`, or of a row of its database.

    Raises:
        DataError: it cannot be a crystal; see `Structure`.
    """
    a, b, c = (bool(periodic) for periodic in atoms.pbc)
    return Structure(
        numbers=np.asarray(atoms.numbers, dtype=np.int64),
        positions=np.asarray(atoms.positions, dtype=np.float64),
        cell=np.array(atoms.cell, dtype=np.float64),
        pbc=(a, b, c),
    )


def packed(structures: Sequence[Structure | None]) -> dict[str, np.ndarray]:
    """Structures one after the other in flat arrays; None has no atoms."""
    present = [structure for structure in structures if structure is not None]
    return {
        "atoms": np.array([0 if s is None else len(s) for s in structures], np.int64),
        "numbers": np.concatenate([np.zeros(0, np.int64), *(s.numbers for s in present)]),
        "positions": np.concatenate([np.zeros((0, 3)), *(s.positions for s in present)]),
        "cells": np.array([s.cell for s in present], np.float64).reshape(-1, 3, 3),
        "pbc": np.array([s.pbc for s in present], np.bool_).reshape(-1, 3),
    }


def unpacked(arrays: Mapping[str, np.ndarray]) -> list[Structure | None]:
    """The inverse of `packed`."""
    ends = np.cumsum(arrays["atoms"])
    rest = zip(arrays["cells"], arrays["pbc"].tolist(), strict=True)
    structures: list[Structure | None] = []
    for size, end in zip(arrays["atoms"].tolist(), ends.tolist(), strict=True):
        if size == 0:
            structures.append(None)
            continue
        cell, (a, b, c) = next(rest)
        atoms = slice(end - size, end)
        structures.append(
            Structure(arrays["numbers"][atoms], arrays["positions"][atoms], cell, (a, b, c))
        )
    return structures


def letters(texts: Sequence[str]) -> np.ndarray:
    """Texts as one array of bytes; a text must not hold the character zero."""
    return np.frombuffer("".join(f"{text}\0" for text in texts).encode(), dtype=np.uint8)


def texts_of(array: np.ndarray) -> list[str]:
    """The inverse of `letters`."""
    return array.tobytes().decode().split("\0")[:-1]
