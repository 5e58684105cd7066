"""The ways a run can end that are not bugs of the program.

A search tells them apart: an infeasible point and a diverged training cost one trial,
wrong data or a wrong search space end the search before it begins.
"""

from collections.abc import Iterator


class TrialsmithError(Exception):
    """Base of everything that is raised to tell the user what to change."""


class DataError(TrialsmithError):
    """The data cannot be used: names the file and the line or id, the rule and the remedy."""


class InfeasibleConfig(TrialsmithError):
    """Values that are fine one by one and cannot stand together, such as heads and width."""


class SearchError(TrialsmithError):
    """A search that cannot start or go on: a wrong space, or one that no longer fits its study."""


class Diverged(TrialsmithError):
    """The monitored value is no longer a finite number."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """`error`, what it was raised from, and so on: Hydra wraps what a constructor raises."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__
