"""How a trial ended: complete, pruned, or failed for one of five reasons.

A diverged training, a lack of memory and an infeasible point cost one trial each; an error is
probably a bug, and the search ends when it repeats itself; an interrupted trial is run again.
"""

import errno
import math
import os
import signal
import sqlite3
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from optuna import TrialPruned

from trialsmith.errors import (
    DataError,
    Diverged,
    InfeasibleConfig,
    SearchError,
    TrialsmithError,
    causes,
)

# what a file system says that takes no more; every other trial would hear it too
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO)
_UNWRITABLE_SQLITE = ("database or disk is full", "readonly database", "disk I/O error")

FAILURES = ("diverged", "out_of_memory", "infeasible", "interrupted", "error")
BY_THEIR_POINT = ("diverged", "out_of_memory", "infeasible")
"""These fail again at the same point; an error may be mended, an interrupted trial is run again."""

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
    """Run `task`, whatever it does short of Ctrl-C, and say how it ended.

    Asked to end by SIGTERM, this process does so: no outcome of the trial's own comes of it.
    """
    try:
        return outcome_of_value(task())
    except (Exception, SystemExit) as error:
        # Lightning's, which turns the signal into an exception while it trains
        if any(type(cause).__name__ == "SIGTERMException" for cause in causes(error)):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
        return outcome_of_error(error)


def outcome_of_value(value: Any) -> Outcome:
    """A complete trial; a failed one when an objective is not a finite number."""
    objectives = value if isinstance(value, list | tuple) else (value,)
    try:
        values = tuple(float(objective) for objective in objectives)
    except (TypeError, ValueError):
        shown = _fitting(repr(value), 200)
        message = f"the task returned {shown}: return a number, or one for each objective"
        return Outcome("failed", failure="error", message=message, signature="no number")
    if not values:
        message = "the task returned no objective: return a number"
        return Outcome("failed", failure="error", message=message, signature="no number")
    if not all(math.isfinite(objective) for objective in values):
        return Outcome("failed", failure="diverged", message=f"the score is {value}")
    return Outcome("complete", values)


def outcome_of_deaths(cause: str, times: int) -> Outcome:
    """A point whose process died so many times, always in the end by `cause`.

    Without such an end a task that kills its own process would be tried for ever. SIGKILL is what
    the kernel sends for lack of memory; any other cause is probably a bug.
    """
    failure = "out_of_memory" if "SIGKILL" in cause else "error"
    return Outcome("failed", failure=failure, message=f"{times} times {cause}", signature=cause)


def outcome_of_error(error: BaseException) -> Outcome:
    """A pruned or failed trial; the reason is looked for in the error and in its causes."""
    chain = list(causes(error))
    if any(isinstance(cause, TrialPruned) for cause in chain):
        return Outcome("pruned")
    for cause in chain:
        if isinstance(cause, TrialsmithError):
            return _expected(cause)
        if _lacks_memory(cause):
            return Outcome("failed", failure="out_of_memory", message=_brief(cause))
        if _takes_no_more(cause):
            return Outcome("failed", failure="error", message=unwritable(cause), fatal=True)
    return Outcome(
        "failed",
        failure="error",
        message=_brief(error),
        traceback=_fitting("".join(traceback.format_exception(error)), 20_000),
        signature=_signature(chain[-1]),
    )


def _expected(error: TrialsmithError) -> Outcome:
    message = _fitting(str(error), 20_000)
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


def cannot_write(error: BaseException) -> bool:
    """Whether the file system takes no more: it is full, over its quota or read-only."""
    return any(map(_takes_no_more, causes(error)))


def _takes_no_more(cause: BaseException) -> bool:
    if isinstance(cause, OSError):
        return cause.errno in _UNWRITABLE
    is_of_sqlite = isinstance(cause, sqlite3.OperationalError)
    return is_of_sqlite and any(words in str(cause) for words in _UNWRITABLE_SQLITE)


def unwritable(error: BaseException) -> str:
    """What to do about an error that `cannot_write`."""
    return (
        f"{error}: nothing more can be written; all that was stored is kept. Make room or make it "
        "writable, and give the same command again: it goes on"
    )


def _lacks_memory(error: BaseException) -> bool:
    # by name: this module does not import torch
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _MEMORY_MESSAGES)


def _fitting(text: str, most: int) -> str:
    """`text` as every file and terminal can hold it, its middle left out where it is too long."""
    text = text.encode(errors="backslashreplace").decode().replace("\0", "\\0")
    if len(text) <= most:
        return text
    return f"{text[: most // 2]} […] {text[-most // 2 :]}"


def _brief(error: BaseException) -> str:
    text = _fitting(str(error).strip(), 1000)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _signature(error: BaseException) -> str:
    """The kind of the error and the place that raised it; its text may hold a trial's numbers."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else str(error)
    return f"{type(error).__name__} at {place}"
