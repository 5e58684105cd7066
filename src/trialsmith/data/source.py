"""Where crystals come from: rows with a structure, targets and perhaps a text."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trialsmith.data.problem import Problem
from trialsmith.data.target import LARGEST, TOO_LARGE, Target
from trialsmith.errors import DataError
from trialsmith.graph import Structure


@dataclass(frozen=True)
class StructureText:
    """A structure as its file has it, not yet read; `format` is ASE's name of the format."""

    content: str
    format: str


@dataclass(frozen=True)
class Row:
    """One crystal as its source has it."""

    id: str
    where: str  # file and line, for messages
    structure: Structure | StructureText
    targets: tuple[float, ...]
    text: str = ""
    split: str = ""  # train, val or test, when the source says so


@dataclass(frozen=True)
class Rows:
    """All crystals of a source, and the rows that could not be used."""

    rows: list[Row]
    targets: tuple[Target, ...]
    problems: list[Problem] = field(default_factory=list)


class Source(ABC):
    """Reads rows. Structures stay unread, so that this is quick; a cache holds them read.

    Attributes:
        columns: the user's own names of columns, by role (id, structure, text, split).
    """

    columns: Mapping[str, str | None] = {}

    @abstractmethod
    def read(self, cache_dir: Path) -> Rows:
        """All rows that can be used, and the problems of those that cannot.

        Raises:
            DataError: nothing at all can be read: a wrong path, column or layout.
        """


def number(value: str, name: str) -> float:
    """The finite number that a field holds.

    Raises:
        DataError: the field is empty, no number, NaN or infinite.
    """
    if not value.strip():
        raise DataError(f"{name} is empty; a number is needed")
    try:
        result = float(value)
    except ValueError:
        raise DataError(f"{name}={value.strip()[:40]!r} is not a number") from None
    return finite(result, name)


def finite(value: float, name: str) -> float:
    """The value itself.

    Raises:
        DataError: it is NaN, infinite, or too large.
    """
    if not math.isfinite(value):
        raise DataError(f"{name}={value} is not finite; a finite number is needed")
    if abs(value) > LARGEST:
        raise DataError(f"{name}={value:g} {TOO_LARGE}")
    return float(value)


def without_duplicates(rows: Sequence[Row]) -> tuple[list[Row], list[Problem]]:
    """The first row of each id, and a problem for each later one."""
    first: dict[str, Row] = {}
    problems = []
    for row in rows:
        known = first.setdefault(row.id, row)
        if known is not row:
            problems.append(
                Problem(row.where, row.id, f"this id stands already at {known.where}; rename one")
            )
    return list(first.values()), problems
