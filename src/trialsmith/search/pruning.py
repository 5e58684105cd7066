"""Pruners that look at a finished trial once, with the decisions of Optuna's own.

Optuna's percentile and median pruners go through every complete trial at every check. All that they
need of them is one column of numbers for each step, and a complete trial never changes.
"""

import math
from array import array

import numpy as np
import optuna
from optuna.pruners import BasePruner, MedianPruner, PatientPruner, PercentilePruner
from optuna.pruners._percentile import (
    _get_best_intermediate_result_over_steps,
    _is_first_in_interval_step,
)
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from trialsmith.search.journal import Journal


def quickened(pruner: BasePruner, storage: optuna.storages.BaseStorage) -> BasePruner:
    """`pruner`, or one that decides as it does and is quick with thousands of trials."""
    if isinstance(pruner, PatientPruner) and pruner._wrapped_pruner is not None:
        pruner._wrapped_pruner = quickened(pruner._wrapped_pruner, storage)
    # a class derived from them may decide otherwise
    if type(pruner) in (MedianPruner, PercentilePruner) and isinstance(storage, Journal):
        return QuickPercentile(pruner, storage)
    return pruner


class QuickPercentile(BasePruner):
    """Optuna's percentile pruner, and the median pruner, which is one.

    Args:
        pruner: whose settings hold.
    """

    def __init__(self, pruner: BasePruner, storage: Journal) -> None:
        assert isinstance(pruner, PercentilePruner)
        self.pruner = pruner
        self._storage = storage
        self._columns: dict[int, array[float]] = {}
        self._seen = 0

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether `trial` is to end, by its best value so far and the others' at its last step."""
        settings, step = self.pruner, trial.last_step
        completed = self._storage.completed(study._study_id)
        too_early = not completed or len(completed) < settings._n_startup_trials
        if too_early or step is None or step < settings._n_warmup_steps:
            return False
        reported, interval = trial.intermediate_values.keys(), settings._interval_steps
        if not _is_first_in_interval_step(step, reported, settings._n_warmup_steps, interval):
            return False
        best = float(_get_best_intermediate_result_over_steps(trial, study.direction))
        if math.isnan(best):
            return True
        others = self._column(step, completed)
        if len(others) < settings._n_min_trials:
            return False
        maximize = study.direction == StudyDirection.MAXIMIZE
        percentile = 100 - settings._percentile if maximize else settings._percentile
        bound = float(np.nanpercentile(others, percentile))
        return best < bound if maximize else best > bound  # not so where the bound is NaN

    def _column(self, step: int, completed: list[FrozenTrial]) -> np.ndarray:
        """The values of all complete trials at `step`."""
        columns = self._columns
        for trial in completed[self._seen :]:
            for reported, value in trial.intermediate_values.items():
                columns.setdefault(reported, array("d")).append(value)
        self._seen = len(completed)
        return np.array(columns.get(step, ()), dtype=float)
