"""The describer: what is known of known crystals, for any way of writing them down."""

import re

import ase
import ase.build
import numpy as np
import pytest

from trialsmith.graph import Structure
from trialsmith.text import describe
from trialsmith.text.coordination import brunner


def structure_of(atoms: ase.Atoms) -> Structure:
    pbc = tuple(bool(p) for p in atoms.pbc)
    return Structure(atoms.numbers, atoms.positions, np.array(atoms.cell), pbc)


def test_rock_salt_in_full():
    assert describe(structure_of(ase.build.bulk("NaCl", "rocksalt", 5.64))) == (
        "NaCl crystallizes in the cubic Fm-3m (225) space group. It is 50 % Na and 50 % Cl. "
        "The density is 2.16 g/cm3 and the volume per atom 22.4 Å3. "
        "Na is bonded to six Cl atoms at 2.82 Å. Cl is bonded to six Na atoms at 2.82 Å."
    )


@pytest.mark.parametrize(
    ("atoms", "group", "bonds"),
    [
        (ase.build.bulk("Cu", "fcc", 3.61), "cubic Fm-3m (225)", "twelve Cu atoms at 2.55 Å"),
        (ase.build.bulk("Si", "diamond", 5.43), "cubic Fd-3m (227)", "four Si atoms at 2.35 Å"),
        (ase.build.bulk("Fe", "bcc", 2.87), "cubic Im-3m (229)", "14 Fe atoms at 2.49–2.87 Å"),
        (ase.build.bulk("Ti"), "hexagonal P6_3/mmc (194)", "twelve Ti atoms at 2.90–2.95 Å"),
        (ase.build.bulk("ZnS", "zincblende", 5.41), "cubic F-43m (216)", "four S atoms at 2.34 Å"),
    ],
)
def test_known_crystals(atoms, group, bonds):
    text = describe(structure_of(atoms))
    assert f"the {group} space group" in text
    assert bonds in text


def test_real_crystals_have_the_group_that_they_are_known_by(real_crystals):
    """Where the tolerance does not decide, which it does for a few."""
    found = [re.search(r"\((\d+)\) space group", describe(s)).group(1) for _, s in real_crystals]
    known = [str(number) for number, _ in real_crystals]
    assert np.mean([one == other for one, other in zip(found, known, strict=True)]) > 0.9


def rewritten(structure: Structure, random: np.random.Generator) -> Structure:
    """Other order, orientation, origin and lattice vectors; one cell doubled."""
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    positions = np.concatenate([structure.positions, structure.positions + structure.cell[0]])
    cell = np.array([[2, 0, 0], [1, 1, 0], [0, 1, 1]]) @ structure.cell
    order = random.permutation(len(positions))
    return Structure(
        np.tile(structure.numbers, 2)[order],
        (positions[order] + random.normal(size=3)) @ turn,
        cell @ turn,
    )


def test_the_text_is_the_crystals_own(real_crystals):
    """Rounding of a length that ends in a five may change its last digit: words must be equal."""
    random = np.random.default_rng(0)
    number = re.compile(r"\d+\.\d+")
    for _, structure in real_crystals:
        one, other = describe(structure), describe(rewritten(structure, random))
        assert sorted(number.sub("", one).split(". ")) == sorted(number.sub("", other).split(". "))
        values = [sorted(map(float, number.findall(text))) for text in (one, other)]
        np.testing.assert_allclose(values[0], values[1], atol=0.011)
        assert describe(structure) == one


def test_structures_without_a_space_group_are_described_too():
    water = describe(structure_of(ase.build.molecule("H2O")))
    assert water.startswith("H2O is a molecule.")
    assert "O is bonded to two H atoms at 0.97 Å" in water
    graphene = describe(structure_of(ase.build.graphene(vacuum=None)))
    assert graphene.startswith("C is a layer.")
    assert "C is bonded to three C atoms at 1.42 Å" in graphene


def test_structures_that_spglib_and_neighbours_fail_on():
    """Two atoms in one place; an atom alone."""
    together = Structure(np.array([26, 26]), np.zeros((2, 3)), np.eye(3) * 4.0)
    assert describe(together).startswith("Fe is a crystal of unknown symmetry. It is 100 % Fe.")
    alone = Structure(np.array([2]), np.zeros((1, 3)), np.eye(3) * 30.0)
    assert "cubic Pm-3m (221)" in describe(alone)
    assert "bonded" not in describe(alone)


def test_a_crystal_of_many_sites_stays_short():
    random = np.random.default_rng(0)
    cells = ase.build.bulk("Cu", cubic=True) * (2, 2, 2)
    cells.positions += random.normal(scale=0.2, size=cells.positions.shape)
    text = describe(structure_of(cells))
    assert text.count("is bonded to") == 12
    assert re.search(r"There are 1\d more kinds of sites\.$", text)


@pytest.mark.parametrize(
    ("distances", "count"),
    [([2.0], 1), ([2.0, 2.0, 2.0], 3), ([2.0, 2.1, 3.0, 3.1], 2), ([1.0, 2.0, 3.0], 1)],
)
def test_coordination_by_the_largest_gap(distances, count):
    assert brunner(np.array(distances)) == count
