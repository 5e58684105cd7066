"""What pruners ask of the other trials: a few numbers of one step, and not all trials whole."""

from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable

import numpy as np
from optuna.trial import FrozenTrial


class Columns:
    """What trials have reported, step by step."""

    def __init__(self) -> None:
        self._values: dict[int, array[float]] = {}

    def add(self, reports: Iterable[tuple[int, float]]) -> None:
        """Take in pairs of a step and a value."""
        for step, value in reports:
            self._values.setdefault(step, array("d")).append(value)

    def at(self, step: int) -> np.ndarray:
        """All values of `step`, in no order."""
        return np.array(self._values.get(step, ()), dtype=float)


class ByStep(ABC):
    """A storage that can be asked for the reports of one step."""

    @abstractmethod
    def completed_at(self, study_id: int, step: int) -> tuple[int, np.ndarray]:
        """How many trials are complete, and what those that reported at `step` did report."""


class ByRung(ABC):
    """A storage that can be asked for what successive halving has noted."""

    @abstractmethod
    def rungs(self, study_id: int) -> list[FrozenTrial]:
        """The trials that came to a rung, with these of their system attributes and little else."""
