"""Crystals to build graphs of: known ones, one without symmetry, and real ones."""

import io
import warnings
from pathlib import Path

import ase
import ase.build
import ase.io
import ase.spacegroup
import numpy as np
import pandas
import pytest

from trialsmith.graph import Structure


def structure_of(atoms: ase.Atoms) -> Structure:
    pbc = tuple(bool(p) for p in atoms.pbc)
    return Structure(atoms.numbers, atoms.positions, np.array(atoms.cell), pbc)


def without_symmetry() -> ase.Atoms:
    random = np.random.default_rng(5)
    cell = np.eye(3) * 5 + random.normal(size=(3, 3))
    return ase.Atoms("NaClKBr", scaled_positions=random.random((4, 3)), cell=cell, pbc=True)


def perovskite() -> ase.Atoms:
    places = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]
    return ase.Atoms("SrTiO3", scaled_positions=places, cell=[3.905] * 3, pbc=True)


KNOWN = {
    "fcc": ase.build.bulk("Cu", "fcc", 3.615),
    "bcc": ase.build.bulk("Fe", "bcc", 2.87),
    "hcp": ase.build.bulk("Ti", "hcp", 2.95, c=4.68),
    "diamond": ase.build.bulk("Si", "diamond", 5.43),
    "rock salt": ase.build.bulk("NaCl", "rocksalt", 5.64),
    "perovskite": perovskite(),
    "quartz": ase.spacegroup.crystal(
        "SiO",
        [(0.4697, 0, 0), (0.4133, 0.2672, 0.1188)],
        spacegroup=152,
        cellpar=[4.916, 4.916, 5.405, 90, 90, 120],
    ),
    "without symmetry": without_symmetry(),
}


@pytest.fixture(params=KNOWN)
def crystal(request: pytest.FixtureRequest) -> Structure:
    return structure_of(KNOWN[request.param])


@pytest.fixture(scope="session")
def known() -> dict[str, Structure]:
    return {name: structure_of(atoms) for name, atoms in KNOWN.items()}


@pytest.fixture(scope="session")
def real_crystals(shared: Path) -> dict[str, Structure]:
    """Two hundred crystals of the Materials Project, by id."""
    table = pandas.read_csv(shared / "data/crystals/mp20_text.csv").head(200)
    crystals = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of ASE, on how a CIF writes its space group
        for name, cif in zip(table.id, table.cif, strict=True):
            crystals[name] = structure_of(ase.io.read(io.StringIO(cif), format="cif"))
    return crystals
