"""From CIF text to the crystal: every symmetry operation applied, every atom once."""

import io
import re
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from trialsmith.data.structure_arrays import structure_of_atoms
from trialsmith.errors import DataError
from trialsmith.graph import Structure
from trialsmith.graph.neighbours import TOO_CLOSE

_ISOTOPES = {"D": "H", "T": "H"}
_MISFIT = 0.02  # how far operations may change the squares of a cell's lengths, relatively
_BEGINNING = re.compile(r"^\s*data_", re.IGNORECASE | re.MULTILINE)
_HALL_NUMBERS = range(1, 531)
# A symbol as types of atoms begin with it, perhaps after a mass number: Fe3+, FE, Cl1-, 13C, D
_TYPE = re.compile(r"\d*([A-Za-z]{1,2})[^A-Za-z]*")
_LABEL = re.compile(r"[A-Z][A-Za-z]?")
# What a setting is called at the end of a space group's name, and after its colon
_SETTINGS = {"s": "1", "z": "2", "h": "h", "r": "r"}
_FEW = 200  # sites; ASE's time grows with their square
_ONE_PLACE = 1e-3  # how far apart, in each fractional coordinate, sites are one to ASE


def read_cif(text: str) -> Structure:
    """The one crystal that a CIF holds.

    The symmetry is that of the listed operations or, without them, of the space group's name or
    number in the first of its settings whose operations fit the cell (so a rhombohedral cell is
    not taken for a hexagonal one). A site within `TOO_CLOSE` of a symmetry element is moved onto
    it: 0.333 is a third.

    Raises:
        DataError: no crystal or several, no cell, a site that is partly occupied or no place, an
            unknown element or space group, magnetic symmetry alone, operations that do not fit the
            cell.
    """
    from ase.io.cif import parse_cif

    if not _BEGINNING.search(text):
        raise DataError("the CIF has no data_ line: it begins with one, such as data_NaCl")
    blocks = [block for block in parse_cif(io.StringIO(text)) if _has_sites(block)]
    if len(blocks) != 1:
        raise DataError(f"the CIF holds {len(blocks)} structures; exactly one is needed")
    block = blocks[0]
    cell = _cell(block)
    symbols = _symbols(block)
    places = _places(block, cell, symbols)
    _check_occupied(block, symbols, places)
    numbers = _numbers(symbols)
    rotations, translations = _fitting(_operations(block), cell)
    if len(rotations) == 1:
        listed = _as_listed(numbers, places, cell)
        if listed is not None:
            return listed
    numbers, positions = _expanded(numbers, places, cell, rotations, translations)
    return Structure(numbers, positions, cell)


def _as_listed(
    numbers: Int[np.ndarray, "sites"],
    places: Float[np.ndarray, "sites 3"],
    cell: Float[np.ndarray, "3 3"],
) -> Structure | None:
    """A crystal without symmetry; None where a place is listed twice.

    A few sites go through ASE, whose products caches know to the last bit.
    """
    if len(numbers) > _FEW:
        from scipy.spatial import KDTree

        inside = places % 1.0 % 1.0  # twice: -1e-17 % 1 is 1
        if KDTree(inside, boxsize=1.0).query_pairs(_ONE_PLACE, p=np.inf):
            return None
        return Structure(numbers, inside @ cell, cell)
    from ase import Atoms
    from ase.spacegroup import crystal

    listed = Atoms(numbers, scaled_positions=places, cell=cell)
    found = crystal(listed, spacegroup=1, onduplicates="keep", symprec=_ONE_PLACE)
    return structure_of_atoms(found) if len(found) == len(numbers) else None


def _has_sites(block: Any) -> bool:
    named = any(block.get(f"_atom_site_{tag}") is not None for tag in ("type_symbol", "label"))
    return named and any(
        all(block.get(f"_atom_site_{kind}_{axis}") is not None for axis in "xyz")
        for kind in ("fract", "cartn")
    )


def _symbols(block: Any) -> list[str]:
    """The element of each site: of its type or, where no types are given, of its label."""
    types = block.get("_atom_site_type_symbol")
    if types is not None:
        symbols = [_of_type(str(type)) for type in types]
    else:
        symbols = [_of_label(str(label)) for label in block["_atom_site_label"]]
    return [_ISOTOPES.get(symbol, symbol) for symbol in symbols]


def _of_type(type: str) -> str:
    found = _TYPE.fullmatch(type)
    return found[1].capitalize() if found else type


def _of_label(label: str) -> str:
    """Raises DataError where the label does not tell the element."""
    from ase.data import atomic_numbers

    found = _LABEL.search(label)
    if found is None:
        raise DataError(
            f"the label {label!r} does not begin with an element's symbol: give the elements as "
            "_atom_site_type_symbol"
        )
    symbol = found[0]
    if not symbol.isupper() or len(symbol) == 1:
        return symbol
    if symbol.capitalize() in atomic_numbers:
        raise DataError(
            f"the label {label!r} may mean {symbol.capitalize()} or {symbol[0]}: give the elements "
            "as _atom_site_type_symbol"
        )
    return symbol[0]  # OW, the oxygen of water


def _cell(block: Any) -> Float[np.ndarray, "3 3"]:
    from ase.cell import Cell

    parameters = block.get_cellpar()
    if parameters is None:
        raise DataError("the CIF has no cell: give _cell_length_a … _cell_angle_gamma")
    if not all(isinstance(value, int | float) for value in parameters):
        raise DataError(
            f"the cell {parameters} is not six numbers: mend _cell_length_… or _angle_…"
        )
    try:
        cell = np.array(Cell.fromcellpar(parameters))
    except AssertionError:
        cell = np.zeros((3, 3))
    if not np.linalg.det(cell):
        raise DataError(
            f"no cell has the sides and angles {parameters}: check the lattice parameters"
        )
    return cell


def _places(
    block: Any, cell: Float[np.ndarray, "3 3"], symbols: list[str]
) -> Float[np.ndarray, "sites 3"]:
    """Fractional coordinates of the sites as listed."""
    kind = "fract" if block.get("_atom_site_fract_x") is not None else "cartn"
    columns = [block.get(f"_atom_site_{kind}_{axis}") for axis in "xyz"]
    rows = list(zip(*columns, strict=True))
    if not rows:
        raise DataError("the CIF has no atoms: a loop_ of _atom_site_… needs a row for each")
    for symbol, row in zip(symbols, rows, strict=True):
        if not all(isinstance(value, int | float) for value in row):
            raise DataError(f"the coordinates of {symbol}, {row}, are not three numbers")
    places = np.array(rows, np.float64)
    return places if kind == "fract" else places @ np.linalg.inv(cell)


def _numbers(symbols: list[str]) -> Int[np.ndarray, "sites"]:
    from ase.data import atomic_numbers

    unknown = [symbol for symbol in symbols if symbol not in atomic_numbers]
    if unknown:
        raise DataError(f"{unknown[0]!r} is no chemical element")
    return np.array([atomic_numbers[symbol] for symbol in symbols])


def _check_occupied(block: Any, symbols: list[str], places: Float[np.ndarray, "sites 3"]) -> None:
    shares = block.get("_atom_site_occupancy")
    for site, share in enumerate(shares or []):
        if _is_whole(share):
            continue
        here = np.flatnonzero((np.abs(places - places[site]) < 1e-3).all(axis=1))
        told = ", ".join(f"{symbols[i]} {shares[i]}" for i in here)
        raise DataError(f"a site is partly occupied ({told}); give an ordered structure")


def _is_whole(share: object) -> bool:
    """Whether an occupancy, as a CIF has it, is one; unknown (?) and inapplicable (.) are."""
    if isinstance(share, int | float):
        return abs(share - 1) <= 1e-3
    return share in ("?", ".")


# rotations and translations, of fractional coordinates; as many as the setting has
Operations = tuple[Int[np.ndarray, "_ 3 3"], Float[np.ndarray, "_ 3"]]


def _operations(block: Any) -> list[Operations]:
    """What the CIF's symmetry may be: its own operations, or each setting of its space group."""
    listed = _first(
        block,
        "_space_group_symop_operation_xyz",
        "_space_group_symop.operation_xyz",
        "_symmetry_equiv_pos_as_xyz",
    )
    if listed is not None:
        from ase.spacegroup.spacegroup import parse_sitesym

        rotations, translations = parse_sitesym([listed] if isinstance(listed, str) else listed)
        return [(rotations, translations)]
    magnetic = [tag for tag in block if tag.startswith("_space_group") and "magn" in tag]
    if magnetic:
        raise DataError(
            f"the CIF tells its symmetry by a magnetic group alone ({magnetic[0]}): list its "
            "operations, without time reversal, as _space_group_symop_operation_xyz"
        )
    name = _first(
        block,
        "_space_group_name_h-m_alt",
        "_symmetry_space_group_name_h-m",
        "_space_group_name_h-m_full",
        "_space_group_name_hall",
        "_symmetry_space_group_name_hall",
    )
    number = _first(
        block, "_space_group_it_number", "_space_group.it_number", "_symmetry_int_tables_number"
    )
    if name is None and number is None:
        return _named("P1")
    # What a name says that is unknown here may be the setting, which its number does not tell.
    found = _numbered(number) if name is None else _named(str(name)) or _only(_numbered(number))
    if not found:
        raise DataError(
            f"the space group {number if name is None else name} is unknown: list its operations "
            "as _space_group_symop_operation_xyz"
        )
    return found


def _only(settings: list[Operations]) -> list[Operations]:
    return settings if len(settings) == 1 else []


def _first(block: Any, *tags: str) -> Any:
    """The first tag's value that says anything."""
    return next(
        (block[tag] for tag in tags if block.get(tag) not in (None, "?", ".", "", [])), None
    )


def _named(name: str) -> list[Operations]:
    """The settings of a name such as `F d -3 m :2`, `F d -3 m Z`, `P 1 21/c 1` or `R-3m`."""
    symbol, _, choice = name.partition(":")
    plain, choice = _plain(symbol), choice.strip().lower()
    found = _settings(plain, choice)
    if not found and not choice and plain[-1:] in _SETTINGS:
        found = _settings(plain[:-1], _SETTINGS[plain[-1]])
    return [_of(hall) for hall in found]


def _settings(plain: str, choice: str) -> list[int]:
    """Hall numbers of a name as `_plain` makes it; of all choices where none is told."""
    # A full name (P 1 21/n 1) is of one setting, a short one of several.
    for names in ("exact", "short"):
        found = [
            hall
            for hall in _HALL_NUMBERS
            if plain in _names(hall)[names] and choice in ("", _names(hall)["choice"])
        ]
        if found:
            return found
    return []


def _numbered(number: Any) -> list[Operations]:
    return [_of(hall) for hall in _HALL_NUMBERS if _names(hall)["number"] == str(number).strip()]


@cache
def _names(hall: int) -> dict[str, Any]:
    import spglib

    kind: Any = spglib.get_spacegroup_type(hall)  # never None for these numbers
    exact = {*kind.international.split("="), kind.hall_symbol}
    short = {kind.international_short, kind.international_full}
    return {
        "exact": {_plain(name) for name in exact},
        "short": {_plain(name) for name in short},
        "choice": kind.choice.lower(),
        "number": str(kind.number),
    }


def _plain(name: str) -> str:
    return "".join(name.split()).replace("_", "").lower()


def _of(hall: int) -> Operations:
    import spglib

    found: Any = spglib.get_symmetry_from_database(hall)
    return found["rotations"], found["translations"]


def _fitting(choices: list[Operations], cell: Float[np.ndarray, "3 3"]) -> Operations:
    """The first operations that keep the cell's lengths and angles."""
    metric = cell @ cell.T
    for rotations, translations in choices:
        turned = np.einsum("nji,jk,nkl->nil", rotations, metric, rotations)
        if np.abs(turned - metric).max() <= _MISFIT * metric.max():
            return rotations, translations
    raise DataError(
        "its symmetry operations do not fit its cell: check the space group's setting, such as "
        "hexagonal or rhombohedral axes"
    )


def _expanded(
    numbers: Int[np.ndarray, "sites"],
    places: Float[np.ndarray, "sites 3"],
    cell: Float[np.ndarray, "3 3"],
    rotations: Int[np.ndarray, "operations 3 3"],
    translations: Float[np.ndarray, "operations 3"],
) -> tuple[Int[np.ndarray, "atoms"], Float[np.ndarray, "atoms 3"]]:
    """Every site's images, each once, in the cell."""
    atoms: list[int] = []
    found = np.zeros((0, 3))
    for number, place in zip(numbers.tolist(), places, strict=True):
        images = rotations @ _on_element(place, cell, rotations, translations) + translations
        for image in images:
            same = np.array(atoms) == number
            # an element that stands here twice is one atom; two elements are the graph's to refuse
            if not _near(found[same], image, cell).any():
                atoms.append(number)
                found = np.vstack([found, image % 1.0 % 1.0])  # twice: -1e-17 % 1 is 1
    return np.array(atoms), found @ cell


def _on_element(
    place: Float[np.ndarray, "3"],
    cell: Float[np.ndarray, "3 3"],
    rotations: Int[np.ndarray, "operations 3 3"],
    translations: Float[np.ndarray, "operations 3"],
) -> Float[np.ndarray, "3"]:
    """The mean of the images that are the site itself but for rounding: exactly special."""
    step = rotations @ place + translations - place
    step -= np.rint(step)
    stays = np.linalg.norm(step @ cell, axis=1) < TOO_CLOSE
    return place + step[stays].mean(axis=0) if stays.any() else place


def _near(
    places: Float[np.ndarray, "places 3"],
    place: Float[np.ndarray, "3"],
    cell: Float[np.ndarray, "3 3"],
) -> np.ndarray:
    """Which places are the same atom, by whole lattice vectors."""
    step = places - place
    return np.linalg.norm((step - np.rint(step)) @ cell, axis=1) < TOO_CLOSE
