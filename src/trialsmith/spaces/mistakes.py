"""All that is wrong with a user's files, told at once."""

from dataclasses import dataclass
from pathlib import Path

from trialsmith.errors import SearchError


class Mistake(Exception):
    """What is wrong with one entry; the message follows its key."""


@dataclass(frozen=True, order=True)
class Place:
    """A line of a file, counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    @property
    def short(self) -> str:
        """Without the folder."""
        return f"{Path(self.file).name}:{self.line}"


class Mistakes:
    """Collects what is wrong while reading goes on, so that one error names everything."""

    def __init__(self) -> None:
        self._found: dict[tuple[Place, str], None] = {}

    def add(self, place: Place, problem: str) -> None:
        """Note a mistake; the same one once."""
        self._found[place, problem] = None

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def lines(self) -> list[str]:
        """`file:line: what is wrong`, in the order of the files' lines."""
        return [f"{place}: {problem}" for place, problem in sorted(self._found)]

    def refuse(self, what: str) -> None:
        """End here where anything was noted.

        Raises:
            SearchError: names every mistake.
        """
        if self._found:
            count = len(self._found)
            lines = "\n  ".join(self.lines)
            raise SearchError(f"{what}, {count} mistake{'s' * (count > 1)}:\n  {lines}")
