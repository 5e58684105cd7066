"""Structures in a column of dictionaries, as jarvis-tools and pymatgen make them."""

import json

import numpy as np
import pytest

from trialsmith.data.parse import parse
from trialsmith.data.source import StructureText
from trialsmith.errors import DataError
from trialsmith.graph.neighbours import nearest

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


def test_a_slab_of_pymatgen_does_not_repeat_along_its_normal() -> None:
    """Copper atoms in squares of 2.5 Å have four neighbours there, and no image 5 Å above."""
    lattice = {"matrix": np.diag([2.5, 2.5, 5.0]).tolist(), "pbc": [True, True, False]}
    slab = parse(StructureText(json.dumps({"lattice": lattice, "sites": [site("Cu", 0)]}), "json"))
    assert slab.pbc == (True, True, False)
    assert not nearest(slab, 12, 8.0, 1e-4).vector[:, 2].any()


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (json.dumps(JARVIS)[:-20], "is it whole"),
        ("{}", "format of JARVIS"),
        (json.dumps(JARVIS | {"elements": ["Na", "Qq"]}), "'Qq' is no chemical element"),
        (json.dumps(JARVIS | {"cartesian": "False"}), "cartesian='False' is no truth value"),
        (json.dumps(JARVIS | {"cartesian": 0}), "cartesian=0 is no truth value"),
        (
            json.dumps(PYMATGEN | {"lattice": {"matrix": CELL, "pbc": [1, 1, 0]}}),
            "lattice.pbc=[1, 1, 0] is not three truth values",
        ),
        (
            json.dumps(PYMATGEN | {"lattice": {"matrix": CELL, "pbc": [True]}}),
            "lattice.pbc=[True] is not three truth values",
        ),
        (json.dumps(PYMATGEN | {"sites": [site("Na", 0, 0.5)]}), "partly occupied (Na 0.5)"),
        (json.dumps(PYMATGEN | {"sites": [{"abc": [0, 0, 0]}]}), "format of pymatgen"),
    ],
)
def test_what_is_none_is_told(entry: str, told: str) -> None:
    with pytest.raises(DataError) as raised:
        parse(StructureText(entry, "json"))
    assert told in str(raised.value)
