"""From the text of a structure to the structure, by ASE, once."""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trialsmith.data.parallel import mapped
from trialsmith.data.problem import Problem
from trialsmith.data.source import Row, StructureText
from trialsmith.data.structure_arrays import letters, packed, structure_of_atoms, texts_of, unpacked
from trialsmith.errors import DataError
from trialsmith.graph import Structure, cached_arrays, digest

# Raise it whenever a text is read differently: old caches are left alone.
VERSION = 1
_SECONDS = 0.0015  # to read a CIF of ten atoms
_NAMES = {"cif": "CIF", "vasp": "POSCAR"}


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

    key = digest(f"structures {VERSION}", *(part for t in texts for part in (t.format, t.content)))
    arrays = cached_arrays(cache_dir / "structures", key, build)
    flaws = iter(texts_of(arrays["flaws"]))
    return [next(flaws) if s is None else s for s in unpacked(arrays)]


def _structure_or_flaw(text: StructureText) -> Structure | str:
    try:
        return parse(text)
    except DataError as flaw:
        return str(flaw)


def parse(text: StructureText) -> Structure:
    """The structure that a text in one of ASE's formats holds.

    Raises:
        DataError: it cannot be read, holds not exactly one structure, has sites that are partly
            occupied, or cannot be a crystal.
    """
    from ase.io import read

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about rounded symmetry; the graph's checks decide
            frames: Any = read(io.StringIO(text.content), index=":", format=text.format)
    except Exception as error:  # a parser fails on a broken file in any way it likes
        name = _NAMES.get(text.format, text.format)
        raise DataError(f"the {name} cannot be read: {_told(error)}") from error
    if len(frames) != 1:
        raise DataError(f"holds {len(frames)} structures; exactly one is needed")
    for occupants in frames[0].info.get("occupancy", {}).values():
        if len(occupants) > 1 or not all(map(_is_whole, occupants.values())):
            shares = ", ".join(f"{symbol} {share}" for symbol, share in occupants.items())
            raise DataError(f"a site is partly occupied ({shares}); give an ordered structure")
    return structure_of_atoms(frames[0])


def _is_whole(share: object) -> bool:
    """Whether an occupancy, as a CIF has it, is one; unknown (?) and inapplicable (.) are."""
    if isinstance(share, int | float):
        return abs(share - 1) <= 1e-3
    return share in ("?", ".")


def _told(error: Exception) -> str:
    """A parser's error in one line that says something to a user."""
    if isinstance(error, KeyError):
        return f"{error} is unknown: a wrong chemical element, or an entry that is missing"
    lines = str(error).strip().splitlines()
    # an assertion says nothing; it is about lattice parameters that make no cell, most often
    told = lines[0][:120] if lines else "check the lattice parameters and that the text is whole"
    return f"{told} ({type(error).__name__})"
