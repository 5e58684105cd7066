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


@pytest.mark.parametrize(
    ("name", "place"),
    [
        *[("F d -3 m :1", "0 0 0"), ("F d -3 m S", "0 0 0"), ("Fd-3mS", "0 0 0")],
        *[("F d -3 m :2", ".125 .125 .125"), ("F d -3 m Z", ".125 .125 .125")],
    ],
)
def test_the_origin_is_the_one_that_is_named(name: str, place: str) -> None:
    symmetry = named(name) + "\n_symmetry_Int_Tables_number 227"
    silicon = read_cif(cif((5.431,) * 3 + (90,) * 3, [f"Si1 Si {place}"], symmetry))
    assert same(silicon, bulk("Si", a=5.431))


def test_a_number_stands_for_an_unknown_name_only_where_it_has_one_setting() -> None:
    """Fm3m is how F m -3 m was written until 1992; Fd3m does not tell its origin."""
    old = named("F m 3 m") + "\n_symmetry_Int_Tables_number 225"
    assert same(read_cif(cif(CUBE, SALT, old)), ROCK_SALT)
    unclear = named("F d 3 m") + "\n_symmetry_Int_Tables_number 227"
    with pytest.raises(DataError, match="F d 3 m is unknown: list its operations"):
        read_cif(cif(CUBE, ["Si1 Si 0 0 0"], unclear))


MAGNETIC = "\n".join(
    [
        *["loop_", "_space_group_symop_magn_operation.id"],
        *["_space_group_symop_magn_operation.xyz", "1 x,y,z,+1", "2 -x,-y,z+1/2,-1"],
    ]
)


def test_magnetic_operations_alone_are_refused() -> None:
    with pytest.raises(DataError, match=r"magnetic group.*_space_group_symop_operation_xyz"):
        read_cif(cif(CUBE, SALT, MAGNETIC))
    assert same(read_cif(cif(CUBE, SALT, MAGNETIC, operations=CENTRED)), ROCK_SALT)


def test_rhombohedral_and_hexagonal_axes_are_told_apart_by_the_cell() -> None:
    """Without a setting in the name; hexagonal operations would make 36 atoms of the first."""
    rhombohedral = (4.7236, 4.7236, 4.7236, 57.35, 57.35, 57.35)
    ours = read_cif(cif(rhombohedral, ["Bi1 Bi 0.234 0.234 0.234"], named("R -3 m")))
    assert len(ours) == 2
    a = 2 * 4.7236 * np.sin(np.radians(57.35 / 2))
    c = np.sqrt(9 * 4.7236**2 - 3 * a**2)
    for name in ("R -3 m", "R -3 m :H", "R -3 m H"):
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


@pytest.mark.parametrize(
    ("type", "number"),
    [
        *[("FE", 26), ("fe", 26), ("Fe3+", 26), ("FE3+", 26), ("CL", 17), ("Cl1-", 17)],
        *[("NA", 11), ("CO", 27), ("O2-", 8), ("13C", 6), ("D", 1), ("d", 1)],
    ],
)
def test_an_element_is_known_however_its_type_is_written(type: str, number: int) -> None:
    """FE is iron and not fluorine, CL chlorine and not carbon."""
    assert read_cif(cif(CUBE, [f"A1 {type} 0 0 0"])).numbers.tolist() == [number]


def labelled(*labels: str) -> str:
    """Sites of which only labels are given."""
    sites = [f"{label} 0 0 {k / len(labels)}" for k, label in enumerate(labels)]
    return cif(CUBE, sites).replace("_atom_site_type_symbol\n", "")


def test_labels_tell_the_elements_where_types_are_not_given() -> None:
    water = read_cif(labelled("OW", "H1A", "D2", "Fe(1)", "Cl1"))
    assert water.numbers.tolist() == [8, 1, 1, 26, 17]


@pytest.mark.parametrize("label", ["FE1", "CO1", "CL", "CA1", "fe1"])
def test_a_label_that_may_be_two_elements_is_refused(label: str) -> None:
    with pytest.raises(DataError, match=f"the label '{label}' .*_atom_site_type_symbol"):
        read_cif(labelled("O1", label))


@pytest.mark.parametrize("count", [150, 2000])
def test_a_large_cell_without_symmetry_is_read_as_listed(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sites beyond the cell are moved into it; two of one place are one atom.

    ASE, which compares all pairs, takes a minute for the larger one.
    """
    if count > 1000:
        monkeypatch.delattr("ase.spacegroup.crystal")
    random = np.random.default_rng(0)
    side = round(count ** (1 / 3)) + 1
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 3), -1).reshape(-1, 3)[:count] / side
    places = (grid + random.uniform(-0.2, 0.2, grid.shape) / side).round(6)
    places += np.array([3, 0, -1])
    sites = [f"Si{k} Si {x:.6f} {y:.6f} {z:.6f}" for k, (x, y, z) in enumerate(places)]
    large = (2.5 * side,) * 3 + (90,) * 3
    structure = read_cif(cif(large, sites))
    np.testing.assert_allclose(structure.positions, places % 1 * 2.5 * side, atol=1e-9)
    assert len(read_cif(cif(large, [*sites, sites[7]]))) == count


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
