"""CIFs as databases write them: symmetry, settings, rounded places, what cannot be a crystal."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.spacegroup import crystal

from trialsmith.data.parse import parse
from trialsmith.data.source import StructureText
from trialsmith.errors import DataError
from trialsmith.graph import Structure
from trialsmith.graph.neighbours import nearest

CUBE = (5.64, 5.64, 5.64, 90, 90, 90)
SALT = ["Na1 Na 0 0 0", "Cl1 Cl 0.5 0.5 0.5"]
CENTRED = ["x,y,z", "x,y+1/2,z+1/2", "x+1/2,y,z+1/2", "x+1/2,y+1/2,z"]


def read_cif(text: str) -> Structure:
    return parse(StructureText(text, "cif"))


def cif(
    parameters: tuple[object, ...], sites: list[str], symmetry: str = "", operations=(), extra=""
) -> str:
    names = [f"_cell_length_{x}" for x in "abc"]
    names += [f"_cell_angle_{x}" for x in ("alpha", "beta", "gamma")]
    lines = ["data_x", *(f"{n} {p}" for n, p in zip(names, parameters, strict=True)), symmetry]
    if operations:
        lines += ["loop_", "_space_group_symop_operation_xyz", *(f"'{o}'" for o in operations)]
    lines += ["loop_", "_atom_site_label", "_atom_site_type_symbol"]
    lines += [f"_atom_site_fract_{x}" for x in "xyz"] + ([extra] if extra else [])
    return "\n".join([*lines, *sites]) + "\n"


def named(name: str) -> str:
    return f"_symmetry_space_group_name_H-M '{name}'"


def distances(structure: Structure) -> list[tuple[int, int, float]]:
    """What does not depend on the choice of the cell or on the order of the atoms."""
    bonds = nearest(structure, 20, 8.0, 1e-3, mutual=False)
    z = structure.numbers
    ends = zip(z[bonds.target], z[bonds.source], bonds.length.round(3), strict=True)
    share = {(int(a), int(b), float(d)) for a, b, d in ends}
    return sorted(share)


def same(ours: Structure, theirs: Atoms) -> bool:
    other = Structure(theirs.numbers, theirs.positions, np.array(theirs.cell))
    volume = [abs(np.linalg.det(s.cell)) / len(s) for s in (ours, other)]
    return distances(ours) == distances(other) and volume[0] == pytest.approx(volume[1])


ROCK_SALT = bulk("NaCl", "rocksalt", a=5.64)


@pytest.mark.parametrize(
    "text",
    [
        cif(CUBE, SALT, operations=CENTRED),
        cif(CUBE, SALT, named("F m -3 m")),
        cif(CUBE, SALT, named("Fm-3m")),
        cif(CUBE, SALT, named("?") + "\n_symmetry_Int_Tables_number 225"),
        cif(("5.640(2)",) * 3 + ("90.0(1)",) * 3, SALT, named("F m -3 m")),
        cif(CUBE, ["Na1 Na1+ 0 0 0", "Cl1 Cl1- 0.5 0 1.0"], named("F m -3 m")),
        cif(CUBE, [*SALT, "Na2 Na 0.5 0.5 0"], operations=CENTRED),  # an image that is listed too
        "data_global\n_journal_year 1999\n" + cif(CUBE, SALT, named("F m -3 m")),
    ],
)
def test_one_crystal_however_its_symmetry_is_told(text: str) -> None:
    assert same(read_cif(text), ROCK_SALT)


@pytest.mark.parametrize(("origin", "place"), [(1, "0 0 0"), (2, "0.125 0.125 0.125")])
def test_the_origin_is_the_one_that_is_named(origin: int, place: str) -> None:
    silicon = read_cif(
        cif((5.431,) * 3 + (90,) * 3, [f"Si1 Si {place}"], named(f"F d -3 m :{origin}"))
    )
    assert same(silicon, bulk("Si", a=5.431))


def test_rhombohedral_and_hexagonal_axes_are_told_apart_by_the_cell() -> None:
    """Without a setting in the name; hexagonal operations would make 36 atoms of the first."""
    rhombohedral = (4.7236, 4.7236, 4.7236, 57.35, 57.35, 57.35)
    ours = read_cif(cif(rhombohedral, ["Bi1 Bi 0.234 0.234 0.234"], named("R -3 m")))
    assert len(ours) == 2
    a = 2 * 4.7236 * np.sin(np.radians(57.35 / 2))
    c = np.sqrt(9 * 4.7236**2 - 3 * a**2)
    for name in ("R -3 m", "R -3 m :H"):
        hexagonal = read_cif(cif((a, a, c, 90, 90, 120), ["Bi1 Bi 0 0 0.234"], named(name)))
        assert len(hexagonal) == 6
        assert distances(hexagonal) == distances(ours)


@pytest.mark.parametrize(
    ("third", "two_thirds"), [("0.3333", "0.6667"), ("0.333", "0.667"), ("0.33", "0.67")]
)
def test_rounded_thirds_are_thirds(third: str, two_thirds: str) -> None:
    cell = (3.25, 3.25, 5.2, 90, 90, 120)
    sites = [f"Zn1 Zn {third} {two_thirds} 0", f"O1 O {third} {two_thirds} 0.382"]
    exact = crystal(
        ["Zn", "O"], [(1 / 3, 2 / 3, 0), (1 / 3, 2 / 3, 0.382)], spacegroup=186, cellpar=cell
    )
    assert same(read_cif(cif(cell, sites, named("P 63 m c"))), exact)


def test_isotopes_are_their_element() -> None:
    water = read_cif(cif(CUBE, ["O1 O 0 0 0", "D1 D .1 0 .1", "T1 T .9 0 .1"]))
    assert water.numbers.tolist() == [8, 1, 1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (cif(CUBE, ["O1 O 0 0 0", "Va1 Va .5 0 0"]), "'Va' is no chemical element"),
        (cif(CUBE, ["O1 O 0 0 0", "X1 X .5 0 0"]), "no element"),
        (cif(CUBE, ["Na1 Na 0 0 0", "Cl1 Cl ? ? ?"]), "coordinates of Cl"),
        (cif(CUBE, ["Na1 Na 1/3 0 0", "Cl1 Cl 0 0 0"]), "coordinates of Na"),
        (cif((0, 5, 5, 90, 90, 90), SALT), "no cell has the sides and angles"),
        (cif(CUBE, SALT).replace("_cell_length_a 5.64\n", ""), "has no cell"),
        (cif(CUBE, SALT, named("Q 99")), "space group Q 99 is unknown"),
        (cif((5, 5, 9, 90, 90, 120), SALT, named("F m -3 m")), "do not fit its cell"),
        (cif(CUBE, SALT) + cif(CUBE, SALT).replace("data_x", "data_y"), "holds 2 structures"),
        (
            cif(CUBE, ["Na1 Na 0 0 0 .5", "K1 K 0 0 0 .5"], extra="_atom_site_occupancy"),
            "partly occupied (Na 0.5, K 0.5)",
        ),
    ],
)
def test_what_is_no_ordered_crystal_is_told(text: str, told: str) -> None:
    with pytest.raises(DataError) as raised:
        read_cif(text)
    assert told in str(raised.value)


def test_two_elements_in_one_place_are_not_one_atom() -> None:
    mixed = read_cif(cif(CUBE, ["Na1 Na 0 0 0", "K1 K 0 0 0", "Cl1 Cl .5 .5 .5"]))
    with pytest.raises(DataError, match="Å apart"):
        nearest(mixed, 12, 8.0, 1e-4)
