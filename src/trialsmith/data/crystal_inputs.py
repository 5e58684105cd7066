"""New crystals, one by one, from whatever holds them: files, folders, tables, ASE's objects."""

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from trialsmith.data.columns import NONE, role_columns
from trialsmith.data.crystal_folders import CIFS, DESCRIPTIONS
from trialsmith.data.parse import told
from trialsmith.data.problem import Problem, nearest
from trialsmith.data.source import Row, StructureText
from trialsmith.data.structure_arrays import structure_of_atoms
from trialsmith.data.structure_text import format_of, structure_file, structure_of
from trialsmith.data.table import read_text
from trialsmith.data.table_stream import stream_table
from trialsmith.errors import DataError
from trialsmith.graph import Structure

_TABLES = (".csv", ".tsv")
_DATABASES = (".db", ".sqlite", ".sqlite3")
# What the reader of a single structure knows, to the same numbers as in training; else ASE's.
_SINGLE = ("cif", "vasp")
_BLOCK = re.compile(r"(?m)^(?=data_)")

Columns = Mapping[str, str | None]


def crystal_rows(inputs: Iterable[Any], columns: Columns) -> Iterator[Row | Problem]:
    """The crystals of paths, of ASE's `Atoms` and of structures; targets and splits are not read.

    A path is a file that ASE reads (of one structure or of many), a folder of such, a table with a
    column of structures and perhaps one of texts, or an ase.db file.

    Args:
        columns: of the training's tables, by role (id, structure, text); they are looked for in
            new tables, and else recognised by name as there.

    Raises:
        DataError: an input is no path of something and no structure.
    """
    for number, item in enumerate(inputs):
        if isinstance(item, str | Path):
            yield from _of_path(Path(item).expanduser(), columns)
        else:
            yield _of_object(item, str(number))


def _of_object(item: Any, id: str) -> Row | Problem:
    if isinstance(item, Structure):
        return Row(id, f"structure {id}", item, ())
    if not hasattr(item, "get_positions"):
        raise DataError(
            f"input {id} is a {type(item).__name__}: give paths, or structures as ASE's Atoms"
        )
    return _row(id, f"structure {id}", partial(structure_of_atoms, item))


def _row(id: str, where: str, make: Any, text: str = "") -> Row | Problem:
    try:
        return Row(id, where, make(), (), text)
    except DataError as flaw:
        return Problem(where, id, str(flaw))


def _of_path(path: Path, columns: Columns) -> Iterator[Row | Problem]:
    if not path.exists():
        beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        yield Problem(str(path), path.name, f"no such file.{nearest(path.name, beside)}")
    elif path.is_dir():
        yield from _of_folder(path, columns)
    else:
        try:
            yield from _of_file(path, columns)
        except DataError as flaw:
            yield Problem(str(path), path.name, str(flaw))


def _of_file(path: Path, columns: Columns) -> Iterator[Row | Problem]:
    """The crystals of one file.

    Raises:
        DataError: from here on it cannot be read.
    """
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    if plain.suffix.lower() in _TABLES:
        return _of_table(path, columns)
    if plain.suffix.lower() in _DATABASES:
        return _of_database(path, columns)
    format = format_of(plain)
    if format in _SINGLE:
        return _of_text(path, str(format))
    return _by_ase(path, format)


def _of_text(path: Path, format: str) -> Iterator[Row | Problem]:
    text = read_text(path)
    blocks = [part for part in _BLOCK.split(text) if "_atom_site" in part]
    if format != "cif" or len(blocks) < 2:
        yield Row(path.name, str(path), StructureText(text, format), ())
        return
    for block in blocks:
        name = f"{path.name}:{block.split(maxsplit=1)[0].removeprefix('data_')}"
        yield Row(name, str(path), StructureText(block, format), ())


def _by_ase(path: Path, format: str | None) -> Iterator[Row | Problem]:
    """Every frame of a file in any format that ASE tells by its name or content."""
    from ase.io import iread
    from ase.io.formats import filetype, ioformats

    frame = 0
    try:
        name = format or filetype(str(path))
        if name not in ioformats:  # ASE then takes the name's ending for one
            raise DataError("is no file of structures by its name or content")
        known = ioformats[name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about rounding; the graph's checks decide
            frames = iread(str(path), ":", format=known.name, do_not_split_by_at_sign=True)
            for atoms in frames:
                id = path.name if known.single else f"{path.name}:{frame}"
                where = str(path) if known.single else f"{path} frame {frame}"
                yield _row(id, where, partial(structure_of_atoms, atoms))
                frame += 1
    except DataError:
        raise
    except Exception as error:  # a parser fails on a broken file in any way it likes
        rest = f" from frame {frame} on" if frame else ""
        raise DataError(f"cannot be read by ASE{rest}: {told(error)}") from error


def _of_folder(path: Path, columns: Columns) -> Iterator[Row | Problem]:
    """Every structure file under a folder, in the order of names; or the two layouts' own rows."""
    if (path / DESCRIPTIONS).is_file() and (path / CIFS).is_dir():
        table = path / DESCRIPTIONS
        yield from _of_table(table, {**columns, "structure": NONE}, path / CIFS)
        return
    files = [
        file
        for file in sorted(path.rglob("*"))
        if not any(part.startswith(".") for part in file.relative_to(path).parts)
        and format_of(file.with_suffix("") if file.suffix == ".gz" else file) is not None
        and file.is_file()
    ]
    if not files:
        yield Problem(str(path), path.name, "holds no structure files, such as *.cif or POSCAR*")
    for file in files:
        yield from _of_path(file, columns)


def _of_table(path: Path, columns: Columns, folder: Path | None = None) -> Iterator[Row | Problem]:
    """A row each; with a `folder` the structures are its files `<id>.cif`."""
    table = stream_table(path)
    roles = role_columns(path, table.header, {**_known(columns, table.header), "split": NONE})
    place = {role: table.header.index(name) for role, name in roles.items() if name is not None}
    if folder is None and "structure" not in place:
        raise DataError(
            f"no column of structures (such as 'cif') in {', '.join(table.header)}: rename the one "
            "that holds CIF text or paths to 'structure'"
        )
    for record in table.records:
        where, fields = f"{path} line {record.line}", record.fields
        if len(fields) != len(table.header):
            message = f"has {len(fields)} fields where the first line has {len(table.header)}"
            yield Problem(where, fields[0][:40], message)
            continue
        id = fields[place["id"]].strip() if "id" in place else ""
        text = fields[place["text"]].strip() if "text" in place else ""
        if folder is None:
            make = partial(structure_of, fields[place["structure"]], path.parent)
        else:
            make = partial(structure_file, folder / f"{id.removesuffix('.cif')}.cif")
        yield _row(id or f"line-{record.line}", where, make, text)


def _of_database(path: Path, columns: Columns) -> Iterator[Row | Problem]:
    from ase.db import connect

    try:
        with connect(path, type="db") as database:
            for entry in database.select():
                pairs = {**entry.get("data", {}), **entry.key_value_pairs}
                chosen = {**_known(columns, pairs), "structure": NONE, "split": NONE}
                roles = role_columns(path, list(pairs), chosen)
                id, text = (
                    str(pairs[key]).strip() if (key := roles[role]) is not None else ""
                    for role in ("id", "text")
                )
                where = f"{path} row {entry.id}"
                yield _row(id or f"row-{entry.id}", where, partial(structure_of_atoms, entry), text)
    except DataError:
        raise
    except Exception as error:  # SQLite's, and those of a file that is no database
        raise DataError(f"cannot be read as an ase.db file: {told(error)}") from error


def _known(columns: Columns, names: Iterable[str]) -> dict[str, str | None]:
    """The training's columns that a new table has, too; another may call them otherwise."""
    there = {*names, NONE}
    return {role: name for role, name in columns.items() if name in there}
