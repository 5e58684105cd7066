"""From the text of a structure to the structure, once."""

import io
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from trialsmith.data.cif import read_cif
from trialsmith.data.problem import Problem
from trialsmith.data.source import Row, StructureText
from trialsmith.data.structure_arrays import letters, packed, structure_of_atoms, texts_of, unpacked
from trialsmith.data.structure_json import read_json
from trialsmith.errors import DataError
from trialsmith.graph import Structure, cached_arrays, digest
from trialsmith.parallel import mapped

# Raise it whenever a text is read differently: old caches are left alone.
VERSION = 3
_SECONDS = 0.0015  # to read a CIF of ten atoms
_NAMES = {"cif": "CIF", "vasp": "POSCAR", "json": "JSON"}


def structures_of(
    rows: Sequence[Row], cache_dir: Path
) -> tuple[list[Structure | None], list[Problem]]:
    """The structure of every row, None where there is none, and why.

    Texts are read once; the cache keeps what they held, and what was wrong with them.
    """
    texts = [row.structure for row in rows if isinstance(row.structure, StructureText)]
    parsed = iter(_cached(texts, cache_dir) if texts else [])
    structures: list[Structure | None] = []
    problems = []
    for row in rows:
        if isinstance(row.structure, Structure):
            structures.append(row.structure)
            continue
        structure = next(parsed)
        if isinstance(structure, str):
            problems.append(Problem(row.where, row.id, structure))
        structures.append(structure if isinstance(structure, Structure) else None)
    return structures, problems


def _cached(texts: list[StructureText], cache_dir: Path) -> list[Structure | str]:
    """Each text's structure, or what is wrong with it."""

    def build() -> dict[str, Any]:
        found = mapped(_structure_or_flaw, texts, "reading structures", _SECONDS)
        structures = [s if isinstance(s, Structure) else None for s in found]
        return packed(structures) | {"flaws": letters([s for s in found if isinstance(s, str)])}

    key = digest(f"structures {VERSION}", *(f"{t.format}\0{t.content}" for t in texts))
    arrays = cached_arrays(cache_dir / "structures", key, build)
    flaws = iter(texts_of(arrays["flaws"]))
    return [next(flaws) if s is None else s for s in unpacked(arrays)]


def _structure_or_flaw(text: StructureText) -> Structure | str:
    try:
        return parse(text)
    except DataError as flaw:
        return str(flaw)


def parse(text: StructureText) -> Structure:
    """The structure that a text holds: CIF, JSON, or one of ASE's formats.

    Raises:
        DataError: it cannot be read, holds not exactly one structure, has sites that are partly
            occupied, or cannot be a crystal.
    """
    reader = _READERS.get(text.format, partial(_by_ase, format=text.format))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about rounding; the graph's checks decide
            return reader(text.content)
    except DataError:
        raise
    except Exception as error:  # a parser fails on a broken file in any way it likes
        name = _NAMES.get(text.format, text.format)
        raise DataError(f"the {name} cannot be read: {told(error)}") from error


def _by_ase(content: str, format: str) -> Structure:
    from ase.io import read

    frames: Any = read(io.StringIO(content), index=":", format=format)
    if len(frames) != 1:
        raise DataError(f"holds {len(frames)} structures; exactly one is needed")
    return structure_of_atoms(frames[0])


_READERS: dict[str, Callable[[str], Structure]] = {"cif": read_cif, "json": read_json}


def told(error: Exception) -> str:
    """A parser's error in one line that says something to a user."""
    if isinstance(error, KeyError):
        return f"{error} is unknown: a wrong chemical element, or an entry that is missing"
    if isinstance(error, AttributeError) and error.name == "name":
        # where a POSCAR names no elements ASE looks beside the file, and there is none
        return "it names no elements; put their symbols on the line above the counts"
    lines = str(error).strip().splitlines()
    if isinstance(error, IndexError | StopIteration):  # a parser that wanted to read on
        return "it breaks off, or an entry has no value; give the whole text"
    # an assertion says nothing; it is about lattice parameters that make no cell, most often
    words = f"{lines[0][:120]}; " if lines else "check the lattice parameters, and "
    return f"{words}see that the text is whole"
