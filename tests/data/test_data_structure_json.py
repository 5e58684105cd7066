"""Structures in a column of dictionaries, as jarvis-tools and pymatgen make them."""

import json

import numpy as np
import pytest

from trialsmith.data.parse import parse
from trialsmith.data.source import StructureText
from trialsmith.errors import DataError

CELL = [[0.0, 2.82, 2.82], [2.82, 0.0, 2.82], [2.82, 2.82, 0.0]]
JARVIS = {
    "lattice_mat": CELL,
    "coords": [[0, 0, 0], [0.5, 0.5, 0.5]],
    "elements": ["Na", "Cl"],
    "cartesian": False,
}


def site(symbol: str, x: float, occupancy: float = 1) -> dict[str, object]:
    return {"species": [{"element": symbol, "occu": occupancy}], "abc": [x, x, x], "label": symbol}


PYMATGEN = {"lattice": {"matrix": CELL}, "sites": [site("Na", 0), site("Cl", 0.5)]}


@pytest.mark.parametrize("text", [json.dumps(JARVIS), str(JARVIS), json.dumps(PYMATGEN)])
def test_all_spellings_are_one_structure(text: str) -> None:
    structure = parse(StructureText(text, "json"))
    assert structure.numbers.tolist() == [11, 17]
    np.testing.assert_allclose(structure.positions, [[0, 0, 0], [2.82, 2.82, 2.82]], atol=1e-12)
    np.testing.assert_allclose(structure.cell, CELL)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (json.dumps(JARVIS)[:-20], "is it whole"),
        ("{}", "format of JARVIS"),
        (json.dumps(JARVIS | {"elements": ["Na", "Qq"]}), "'Qq' is no chemical element"),
        (json.dumps(PYMATGEN | {"sites": [site("Na", 0, 0.5)]}), "partly occupied (Na 0.5)"),
        (json.dumps(PYMATGEN | {"sites": [{"abc": [0, 0, 0]}]}), "format of pymatgen"),
    ],
)
def test_what_is_none_is_told(entry: str, told: str) -> None:
    with pytest.raises(DataError) as raised:
        parse(StructureText(entry, "json"))
    assert told in str(raised.value)
