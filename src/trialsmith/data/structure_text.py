"""Structures as text: from a file beside the table, or written in the table itself."""

from pathlib import Path

from trialsmith.data.problem import nearest
from trialsmith.data.source import StructureText
from trialsmith.data.table import read_text
from trialsmith.errors import DataError

# ASE's name of the format for each ending of a file's name.
_FORMATS = {
    ".cif": "cif",
    ".vasp": "vasp",
    ".poscar": "vasp",
    ".xyz": "extxyz",
    ".extxyz": "extxyz",
    ".xsf": "xsf",
    ".gen": "gen",
    ".res": "res",
}
_POSCAR_NAMES = ("poscar", "contcar")
_CIF_MARKS = ("_cell_length_a", "_atom_site", "data_")


def structure_of(text: str, folder: Path) -> StructureText:
    """The structure that a field of a table holds: CIF, POSCAR or JSON text, or a path.

    Args:
        text: what the field holds; a path is relative to `folder`.

    Raises:
        DataError: the field is empty or its file cannot be read.
    """
    if not text.strip():
        raise DataError("the structure is empty; CIF text or the path of a file is needed")
    if text.lstrip().startswith("{"):
        return StructureText(text, "json")
    if "\n" in text.strip():
        return StructureText(text, "cif" if any(mark in text for mark in _CIF_MARKS) else "vasp")
    path = folder / text.strip()
    if "\\" in text and not _is_file(path):  # a path written on Windows
        path = folder / text.strip().replace("\\", "/")
    if not _is_file(path) and format_of(path) is None:
        raise DataError(
            f"{text.strip()[:60]!r} is neither the text of a structure (a CIF begins with data_) "
            f"nor its path: there is no structure file {str(path)[:200]}.{_beside(path)}"
        )
    return structure_file(path)


def structure_file(path: Path) -> StructureText:
    """The unread structure that a file holds; the format follows from the file's name.

    Raises:
        DataError: no such file, unreadable, or a format that is not known by its name.
    """
    if not _is_file(path):
        raise DataError(f"there is no structure file {str(path)[:200]}.{_beside(path)}")
    format = format_of(path)
    if format is None:
        known = ", ".join([*_FORMATS, "POSCAR*", "CONTCAR*"])
        raise DataError(f"the format of {path.name!r} is not known; names end in {known}")
    return StructureText(read_text(path), format)


def format_of(path: Path) -> str | None:
    """ASE's name of the format of a structure file, by the file's name; None: it is not known."""
    if path.name.lower().startswith(_POSCAR_NAMES):
        return "vasp"
    return _FORMATS.get(path.suffix.lower())


def _beside(path: Path) -> str:
    """The file that was perhaps meant."""
    names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    return nearest(path.name, names)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long to be one: a field that holds something else
        return False
