"""How a trial ended: complete, pruned, or failed for one of five reasons.

A diverged training, a lack of memory and an infeasible point cost one trial each; an error is
probably a bug, and the search ends when it repeats itself; an interrupted trial is run again.
"""

import math
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from optuna import TrialPruned

from trialsmith.errors import DataError, Diverged, InfeasibleConfig, SearchError, TrialsmithError

FAILURES = ("diverged", "out_of_memory", "infeasible", "interrupted", "error")

# what PyTorch's allocators say; its CPU allocator raises a plain RuntimeError
_MEMORY_MESSAGES = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "cannot allocate memory",
    "unable to allocate",
)


@dataclass(frozen=True)
class Outcome:
    """The end of a trial, as plain values that travel between processes.

    `failure` is one of FAILURES for a failed trial and "" otherwise; `signature` is equal for
    errors of one kind at one place; `fatal` marks an error that every other trial would meet too.
    """

    state: str
    values: tuple[float, ...] = ()
    failure: str = ""
    message: str = ""
    traceback: str = ""
    signature: str = ""
    fatal: bool = False

    @classmethod
    def interrupted(cls, message: str) -> "Outcome":
        """A trial that was stopped from outside."""
        return cls("failed", failure="interrupted", message=message)

    def record(self) -> dict[str, Any]:
        """The outcome as a JSON mapping."""
        return asdict(self) | {"values": list(self.values)}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Outcome":
        """The outcome that `record()` made."""
        return cls(**{**record, "values": tuple(record["values"])})


class TrialLost(TrialsmithError):
    """The trial was finished by somebody else: this process works for nobody any more."""


def outcome_of(task: Callable[[], Any]) -> Outcome:
    """Run `task`, whatever it does short of Ctrl-C, and say how it ended."""
    try:
        return outcome_of_value(task())
    except (Exception, SystemExit) as error:
        return outcome_of_error(error)


def outcome_of_value(value: Any) -> Outcome:
    """A complete trial; a failed one when an objective is not a finite number."""
    objectives = value if isinstance(value, list | tuple) else (value,)
    try:
        values = tuple(float(objective) for objective in objectives)
    except (TypeError, ValueError):
        message = f"the task returned {value!r}: return a number, or one for each objective"
        return Outcome("failed", failure="error", message=message, signature=message)
    if not values:
        message = "the task returned no objective: return a number"
        return Outcome("failed", failure="error", message=message, signature=message)
    if not all(math.isfinite(objective) for objective in values):
        return Outcome("failed", failure="diverged", message=f"the score is {value}")
    return Outcome("complete", values)


def outcome_of_error(error: BaseException) -> Outcome:
    """A pruned or failed trial; the reason is looked for in the error and in its causes."""
    causes = list(_causes(error))
    if any(isinstance(cause, TrialPruned) for cause in causes):
        return Outcome("pruned")
    for cause in causes:
        if isinstance(cause, TrialsmithError):
            return _expected(cause)
        if _lacks_memory(cause):
            return Outcome("failed", failure="out_of_memory", message=_brief(cause))
    return Outcome(
        "failed",
        failure="error",
        message=_brief(error),
        traceback="".join(traceback.format_exception(error)),
        signature=_signature(causes[-1]),
    )


def _expected(error: TrialsmithError) -> Outcome:
    message = str(error)
    if isinstance(error, Diverged):
        return Outcome("failed", failure="diverged", message=message)
    if isinstance(error, InfeasibleConfig):
        return Outcome("failed", failure="infeasible", message=message)
    if isinstance(error, TrialLost):
        return Outcome.interrupted(message)
    fatal = isinstance(error, DataError | SearchError)
    return Outcome(
        "failed", failure="error", message=message, signature=_signature(error), fatal=fatal
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error`, what it was raised from, and so on: Hydra wraps what a constructor raises."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__


def _lacks_memory(error: BaseException) -> bool:
    # by name: this module does not import torch
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _MEMORY_MESSAGES)


def _brief(error: BaseException) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text}"[:2000] if text else type(error).__name__


def _signature(error: BaseException) -> str:
    """The kind of the error and the place that raised it; its text may hold a trial's numbers."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else str(error)
    return f"{type(error).__name__} at {place}"
