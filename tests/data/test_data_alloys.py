"""The built-in alloys: known crystallography, laws of energy, one seed one data set."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import spglib

from trialsmith.data import Alloys
from trialsmith.data.emt import ELEMENTS, energy, fcc, relaxed
from trialsmith.data.fcc_orderings import ORDERINGS, SUPERCELLS, Ordering
from trialsmith.errors import DataError
from trialsmith.graph import Structure

# Strukturbericht and prototypes, as in the AFLOW Encyclopedia of Crystallographic Prototypes.
SPACE_GROUPS = {
    "A1": 225,
    "L1_0": 123,
    "L1_1": 166,
    "L1_2": 221,
    "D0_22": 139,
    "MoPt2": 71,
    "Z2": 129,
}


@pytest.mark.parametrize("ordering", ORDERINGS, ids=lambda ordering: ordering.name)
def test_orderings_have_their_space_groups_and_are_primitive(ordering: Ordering) -> None:
    numbers = [1] * len(ordering.first) + [2] * len(ordering.second)
    cell, positions = ordering.lattice(4.0), ordering.positions(4.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # spglib announces new errors
        data = spglib.get_symmetry_dataset((cell, positions @ np.linalg.inv(cell), numbers))
    assert data.number == SPACE_GROUPS[ordering.name]
    assert len(set(data.mapping_to_primitive)) == len(numbers)


@pytest.mark.parametrize("sites", ORDERINGS + SUPERCELLS, ids=lambda sites: sites.name)
def test_every_site_is_one_of_the_face_centred_lattice(sites: Ordering) -> None:
    assert (np.array(sites.first + sites.second).sum(axis=1) % 2 == 0).all()
    assert (np.array(sites.cell).sum(axis=1) % 2 == 0).all()
    atoms = len(sites.first) + len(sites.second)
    assert abs(np.linalg.det(sites.lattice(1.0))) == pytest.approx(atoms / 4)


# Experimental lattice parameters (Å), Kittel, Introduction to Solid State Physics, chapter 1.
@pytest.mark.parametrize(
    ("symbol", "experiment"),
    [
        ("Al", 4.05),
        ("Ni", 3.52),
        ("Cu", 3.61),
        ("Pd", 3.89),
        ("Ag", 4.09),
        ("Pt", 3.92),
        ("Au", 4.08),
    ],
)
def test_pure_elements_relax_to_their_known_lattice(symbol: str, experiment: float) -> None:
    parameter, least = relaxed(ELEMENTS[symbol])
    assert parameter == pytest.approx(experiment, rel=0.02)
    for stretch in (0.99, 1.01):
        assert energy(fcc(ELEMENTS[symbol], parameter * stretch)) > least


def test_the_target_is_the_formation_energy_in_eV_per_atom(tmp_path: Path) -> None:
    rows = Alloys(40, 0).read(tmp_path)
    assert [str(target) for target in rows.targets] == ["formation_energy_per_atom (eV/atom)"]
    pure = {number: relaxed(number)[1] for number in ELEMENTS.values()}
    for row in rows.rows:
        structure = row.structure
        assert isinstance(structure, Structure)
        # twice the crystal has the same energy per atom
        double = Structure(
            np.tile(structure.numbers, 2),
            np.concatenate([structure.positions, structure.positions + structure.cell[0]]),
            structure.cell * [[2], [1], [1]],
        )
        total = energy(double) / 2
        expected = (total - sum(pure[int(n)] for n in structure.numbers)) / len(structure)
        assert row.targets[0] == pytest.approx(expected, abs=1e-6)
        if len(set(structure.numbers.tolist())) == 1:
            assert row.targets[0] >= -1e-9


def test_one_seed_one_data_set_whatever_its_size(tmp_path: Path) -> None:
    few = Alloys(20, 5).read(tmp_path / "a").rows
    more = Alloys(30, 5).read(tmp_path / "b").rows
    other = Alloys(20, 6).read(tmp_path / "a").rows
    for row, same in zip(few, more, strict=False):
        assert (row.id, row.targets) == (same.id, same.targets)
        assert row.structure.key == same.structure.key  # type: ignore[union-attr]
    assert [row.targets for row in few] != [row.targets for row in other]
    assert len({row.id for row in more}) == 30
    assert len({row.structure.key for row in more}) == 30  # type: ignore[union-attr]


def test_wrong_counts(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data\.n=0"):
        Alloys(0, 0)
    with pytest.raises(DataError, match=r"data\.crystal_seed=-1"):
        Alloys(10, -1)
