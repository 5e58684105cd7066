"""What is wrong with rows of the user's data, told together and with the remedy."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from trialsmith.errors import DataError

_SHOWN = 5


@dataclass(frozen=True)
class Problem:
    """One row that cannot be used: where it stands (file and line), its id, and what is wrong."""

    where: str
    id: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}{f' ({self.id})' if self.id else ''}: {self.message}"


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """By file and line, whichever check has found them."""
    return sorted(
        problems,
        key=lambda p: [int(t) if t.isdecimal() else t for t in re.split(r"(\d+)", p.where)],
    )


def refuse(problems: Sequence[Problem], rows: int, remedy: str | None = None) -> None:
    """Raises the problems of some of `rows` rows as one error.

    Args:
        remedy: of problems that `data.on_error=skip` does not leave out.

    Raises:
        DataError: when there is any problem; the first few are told in full.
    """
    if not problems:
        return
    lines = [f"  {problem}" for problem in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        listed = "" if remedy else "; with data.on_error=skip the run's skipped.csv has all"
        lines.append(f"  ... and {len(problems) - _SHOWN} more{listed}")
    count = f"{len(problems)} of {rows} rows cannot be used:"
    remedy = remedy or "Mend these rows, or leave them out with data.on_error=skip."
    raise DataError("\n".join([count, *lines, remedy]))


def nearest(name: str, known: Iterable[str]) -> str:
    """' Did you mean ...?' when a known name is near, else nothing."""
    names = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    return f" Did you mean {names[found[0]]!r}?" if found else ""
