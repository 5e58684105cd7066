"""Real crystals with the space group that the Materials Project gives them."""

import io
import warnings
from pathlib import Path

import ase.io
import numpy as np
import pandas
import pytest

from trialsmith.graph import Structure


@pytest.fixture(scope="session")
def real_crystals(shared: Path) -> list[tuple[int, Structure]]:
    """Sixty pairs of a space group's number and a structure."""
    table = pandas.read_csv(shared / "data/crystals/mp20_text.csv").tail(60)
    crystals = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of ASE, on how a CIF writes its space group
        for number, cif in zip(table.spacegroup_number, table.cif, strict=True):
            atoms = ase.io.read(io.StringIO(cif), format="cif")
            structure = Structure(atoms.numbers, atoms.positions, np.array(atoms.cell))
            crystals.append((number, structure))
    return crystals
