"""What is made of the numbers in a program's output: its score, and reports to its trial."""

import math
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from trialsmith.command.pattern import Pattern


class Scores:
    """The score of each metric so far.

    Args:
        better: of two numbers the one to keep; None keeps the last.
    """

    def __init__(
        self, metrics: Sequence[Pattern], better: Callable[[float, float], float] | None
    ) -> None:
        self._metrics = metrics
        self._better = better or (lambda old, new: new)
        self._scores: dict[Pattern, float] = {}

    def read(self, line: str) -> None:
        """Take what `line` says.

        Raises:
            CommandFailed: what a metric matches is not a number.
        """
        for metric in self._metrics:
            for reading in metric.readings(line):
                known = self._scores.get(metric, math.nan)
                if math.isnan(known):  # there is none yet, or what is worse than any
                    self._scores[metric] = reading.value
                else:
                    self._scores[metric] = self._better(known, reading.value)

    @property
    def missing(self) -> list[Pattern]:
        """The metrics that no line has matched."""
        return [metric for metric in self._metrics if metric not in self._scores]

    @property
    def values(self) -> list[float]:
        """One score a metric, once none is missing."""
        return [self._scores[metric] for metric in self._metrics]


@runtime_checkable
class Reported(Protocol):
    """A trial that hears values on the way."""

    def report(self, value: float, step: int) -> None: ...


class Reporter:
    """Tells a trial each value on the way; a second one of the same step is left out.

    A trial's steps are counted from 0, as the epochs of a model are; of a program whose first step
    is a later one they are taken to be counted from 1.
    """

    def __init__(self, pattern: Pattern | None, trial: Reported | None) -> None:
        self._pattern = pattern
        self._trial = trial
        self._steps: set[int] = set()
        self._first: int | None = None  # 0 or 1

    def read(self, line: str) -> None:
        """Report what `line` says.

        Raises:
            CommandFailed: what the pattern matches is not a number.
            optuna.TrialPruned: the trial is not worth going on with.
        """
        if self._pattern is None or self._trial is None:
            return
        for reading in self._pattern.readings(line):
            step = len(self._steps) if reading.step is None else self._from_0(reading.step)
            if step not in self._steps:
                self._steps.add(step)
                self._trial.report(reading.value, step)

    def _from_0(self, step: int) -> int:
        if self._first is None:
            self._first = int(step > 0)
        return max(0, step - self._first)  # a later part of the program may begin with 0 again
