"""Crystals in a database of ASE."""

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trialsmith.data.columns import role_columns, target_columns
from trialsmith.data.crystal_table import part_of
from trialsmith.data.problem import Problem
from trialsmith.data.source import Row, Rows, Source, finite, number
from trialsmith.data.structure_arrays import structure_of_atoms
from trialsmith.data.target import named_targets
from trialsmith.errors import DataError

_SQLITE = b"SQLite format 3\0"


class AseDatabase(Source):
    """An `ase.db` file: structures with key-value pairs, which are ids, texts, splits and targets.

    A row without a key of ids is named after its number in the database. Entries of a row's
    `data` count as pairs too, because ASE keeps long texts only there.

    Args:
        path: the SQLite file.
        targets: keys to predict; None: the only key whose values are numbers.
        units: of the targets; None: what the key's name states.
        columns: the key of each role (id, text, split); see `role_columns`.
    """

    def __init__(
        self,
        path: Path,
        targets: Sequence[str] | None,
        units: Sequence[str] | None,
        columns: Mapping[str, str | None],
    ) -> None:
        self.path, self.targets, self.units, self.columns = path, targets, units, columns

    def read(self, cache_dir: Path) -> Rows:
        """Reads the rows; see `Source.read`."""
        entries = self._entries()
        if not entries:
            raise DataError(f"{self.path} has no rows. Name another file.")
        keys = list(dict.fromkeys(key for _, pairs in entries for key in pairs))
        roles = role_columns(self.path, keys, {**self.columns, "structure": "none"})
        others = [key for key in keys if key not in roles.values()]
        numeric = {key for _, pairs in entries for key in others if _is_number(pairs.get(key))}
        names = target_columns(self.path, others, self.targets, numeric.__contains__)

        rows, problems = [], []
        for entry, pairs in entries:
            where = f"{self.path} row {entry.id}"
            id = _text(pairs, roles["id"]) or f"row-{entry.id}"
            try:
                rows.append(
                    Row(
                        id=id,
                        where=where,
                        structure=structure_of_atoms(entry),
                        targets=tuple(_value(pairs, name) for name in names),
                        text=_text(pairs, roles["text"]),
                        split=_split(pairs, roles["split"]),
                    )
                )
            except DataError as error:
                problems.append(Problem(where, id, str(error)))
        return Rows(rows, named_targets(names, self.units), problems)

    def _entries(self) -> list[tuple[Any, dict[str, Any]]]:
        """Each row with all its pairs."""
        from ase.db import connect

        with self.path.open("rb") as file:
            if file.read(len(_SQLITE)) != _SQLITE:
                raise DataError(f"{self.path} is not an SQLite database as ase.db writes it.")
        try:
            with connect(self.path, type="db") as database:
                return [
                    (entry, {**entry.get("data", {}), **entry.key_value_pairs})
                    for entry in database.select()
                ]
        except (sqlite3.Error, KeyError) as error:
            raise DataError(f"{self.path} cannot be read as an ase.db file: {error}") from error


def _text(pairs: Mapping[str, Any], key: str | None) -> str:
    return str(pairs.get(key, "")).strip() if key is not None else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _value(pairs: Mapping[str, Any], name: str) -> float:
    value = pairs.get(name, "")
    return finite(float(value), name) if _is_number(value) else number(str(value), name)


def _split(pairs: Mapping[str, Any], key: str | None) -> str:
    return part_of(_text(pairs, key), key) if key is not None else ""
