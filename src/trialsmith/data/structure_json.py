"""Structures as the dictionaries that jarvis-tools and pymatgen make of them."""

import ast
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from trialsmith.errors import DataError
from trialsmith.graph import Structure


def read_json(text: str) -> Structure:
    """The structure in JSON, or in Python's own spelling of the same dictionary.

    Raises:
        DataError: it is neither, a site is partly occupied, or it cannot be a crystal.
    """
    try:
        entry = json.loads(text)
    except ValueError:
        try:
            entry = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            raise DataError("the structure begins like JSON and is none: is it whole?") from None
    if isinstance(entry, Mapping) and isinstance(entry.get("lattice"), Mapping):
        return structure_of_pymatgen(entry)
    return structure_of_jarvis(entry)


def structure_of_jarvis(atoms: Any) -> Structure:
    """The structure of the dictionary that `jarvis.core.atoms.Atoms.to_dict` makes."""
    try:
        cell = np.array(atoms["lattice_mat"], np.float64).reshape(3, 3)
        coords = np.array(atoms["coords"], np.float64).reshape(-1, 3)
        cartesian = atoms["cartesian"]
        symbols = [symbol.strip() for symbol in atoms["elements"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"its atoms are not of the format of JARVIS: {error}") from error
    if not isinstance(cartesian, bool):
        raise DataError(f"its cartesian={cartesian!r} is no truth value: write true or false")
    return Structure(_numbers(symbols), coords if cartesian else coords @ cell, cell)


def structure_of_pymatgen(entry: Mapping[str, Any]) -> Structure:
    """The structure of the dictionary that `pymatgen.core.Structure.as_dict` makes."""
    try:
        cell = np.array(entry["lattice"]["matrix"], np.float64).reshape(3, 3)
        pbc = entry["lattice"].get("pbc", (True, True, True))
        places = np.array([site["abc"] for site in entry["sites"]], np.float64).reshape(-1, 3)
        shares = [[(s["element"], float(s["occu"])) for s in x["species"]] for x in entry["sites"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"its sites are not of the format of pymatgen: {error}") from error
    if not isinstance(pbc, list | tuple) or [type(along) for along in pbc] != [bool] * 3:
        raise DataError(f"its lattice.pbc={pbc!r} is not three truth values: write true or false")
    for site in shares:
        if len(site) != 1 or abs(site[0][1] - 1) > 1e-3:
            told = ", ".join(f"{symbol} {share}" for symbol, share in site)
            raise DataError(f"a site is partly occupied ({told}); give an ordered structure")
    numbers = _numbers([site[0][0] for site in shares])
    return Structure(numbers, places @ cell, cell, (pbc[0], pbc[1], pbc[2]))


def _numbers(symbols: list[str]) -> np.ndarray:
    from ase.data import atomic_numbers

    isotopes = {"D": 1, "T": 1}
    unknown = [s for s in symbols if s not in atomic_numbers and s not in isotopes]
    if unknown:
        raise DataError(f"{unknown[0]!r} is no chemical element")
    return np.array([isotopes.get(s) or atomic_numbers[s] for s in symbols], np.int64)
