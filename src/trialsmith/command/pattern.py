"""Numbers in the output of a program, found by a regular expression."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from trialsmith.command.failure import CommandFailed
from trialsmith.errors import SearchError


@dataclass(frozen=True)
class Reading:
    """A number that the program printed, and the step that it belongs to where it says so."""

    value: float
    step: int | None


class Pattern:
    r"""What to look for in each line, such as `score: ([-+0-9.eE]+)`.

    `epoch (?P<step>\d+) loss (?P<value>\S+)` finds a step as well. The value is the group named
    `value`, else the only group beside `step`.

    Args:
        key: of the configuration, for the messages.

    Raises:
        SearchError: it is no regular expression, or it leaves open which group is the value.
    """

    def __init__(self, key: str, text: str) -> None:
        self._told = f"{key}={text!r}"
        try:
            self._expression = re.compile(text)
        except re.error as error:
            raise SearchError(f"{self._told} is not a regular expression: {error}") from None
        names = self._expression.groupindex
        groups = set(range(1, self._expression.groups + 1)) - {names.get("step")}
        if "value" in names:
            groups = {names["value"]}
        if not groups:
            raise SearchError(
                f"{self._told} has no group for the value: put parentheses around the number, as "
                "in 'score: ([-+0-9.eE]+)'"
            )
        if len(groups) > 1:
            raise SearchError(
                f"{self._told} has {len(groups)} groups: name the one of the value, (?P<value>…), "
                "and of the step, (?P<step>…)"
            )
        (self._value,) = groups
        self._step = names.get("step")

    def __str__(self) -> str:
        return self._told

    def readings(self, line: str) -> Iterator[Reading]:
        """Every match in `line`.

        Raises:
            CommandFailed: what a group matched is not a number.
        """
        for match in self._expression.finditer(line):
            step = None if self._step is None else self._whole(match, self._step)
            yield Reading(self._number(match, self._value), step)

    def _whole(self, match: re.Match[str], group: int) -> int:
        number = self._number(match, group)
        if not 0 <= number < math.inf:
            raise CommandFailed(f"{self._told} matched {match[group]!r}, which is no step")
        return round(number)

    def _number(self, match: re.Match[str], group: int) -> float:
        try:
            return float(match[group])
        except (TypeError, ValueError):
            raise CommandFailed(
                f"{self._told} matched {match[group]!r} in the line "
                f"{match.string.strip()[:200]!r}, which is not a number"
            ) from None
