"""Pruners that are quick with thousands of trials, with the decisions of Optuna's own.

Optuna's go through all other trials at every check. All that most of them need is a number of each
trial, which the storage may be able to tell without the rest; a complete trial never changes.
"""

import copy
import math
from typing import Any

import numpy as np
import optuna
from optuna.pruners import (
    BasePruner,
    HyperbandPruner,
    MedianPruner,
    PatientPruner,
    PercentilePruner,
    SuccessiveHalvingPruner,
)
from optuna.pruners._percentile import (
    _get_best_intermediate_result_over_steps,
    _is_first_in_interval_step,
)
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from trialsmith.search.by_step import ByRung, ByStep
from trialsmith.search.forwarding import Forwarding


def quickened(pruner: BasePruner, storage: BaseStorage) -> BasePruner:
    """`pruner`, or one that decides as it does and is quick with thousands of trials."""
    if isinstance(pruner, PatientPruner) and pruner._wrapped_pruner is not None:
        pruner._wrapped_pruner = quickened(pruner._wrapped_pruner, storage)
    # a class derived from them may decide otherwise
    if type(pruner) in (MedianPruner, PercentilePruner) and isinstance(storage, ByStep):
        return QuickPercentile(pruner, storage)
    if _halves(pruner) and isinstance(storage, ByRung):
        return QuickHalving(pruner)
    return pruner


def _halves(pruner: BasePruner) -> bool:
    """Whether it knows its rungs: else it asks of all trials how long they were."""
    if type(pruner) is HyperbandPruner:
        return bool(pruner._pruners)
    return type(pruner) is SuccessiveHalvingPruner and pruner._min_resource is not None


class QuickPercentile(BasePruner):
    """Optuna's percentile pruner, and the median pruner, which is one.

    Args:
        pruner: whose settings hold.
    """

    def __init__(self, pruner: BasePruner, storage: ByStep) -> None:
        assert isinstance(pruner, PercentilePruner)
        self.pruner = pruner
        self._storage = storage

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether `trial` is to end, by its best value so far and the others' at its last step."""
        settings, step = self.pruner, trial.last_step
        if step is None or step < settings._n_warmup_steps:
            return False
        reported, interval = trial.intermediate_values.keys(), settings._interval_steps
        if not _is_first_in_interval_step(step, reported, settings._n_warmup_steps, interval):
            return False
        completed, others = self._storage.completed_at(study._study_id, step)
        if not completed or completed < settings._n_startup_trials:
            return False
        best = float(_get_best_intermediate_result_over_steps(trial, study.direction))
        if math.isnan(best):
            return True
        if len(others) < settings._n_min_trials:
            return False
        maximize = study.direction == StudyDirection.MAXIMIZE
        percentile = 100 - settings._percentile if maximize else settings._percentile
        bound = float(np.nanpercentile(others, percentile))
        return best < bound if maximize else best > bound  # not so where the bound is NaN


class QuickHalving(BasePruner):
    """Optuna's successive halving, and Hyperband, shown nothing of a trial but its rungs.

    Args:
        pruner: that decides.
    """

    def __init__(self, pruner: BasePruner) -> None:
        self.pruner = pruner

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether `trial` is to end at the rung that it has come to."""
        shown = copy.copy(study)
        shown._storage = _Rungs(study)  # type: ignore[abstract]
        return self.pruner.prune(shown, trial)


class _Rungs(Forwarding):
    def __init__(self, study: optuna.Study) -> None:
        super().__init__(study._storage)
        self._study = study

    def get_study_id_from_name(self, study_name: str) -> int:
        assert study_name == self._study.study_name  # Hyperband asks at every check
        return self._study._study_id

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Any = None
    ) -> list[FrozenTrial]:
        assert isinstance(self.inner, ByRung)
        assert states is None  # which is not known of them
        return self.inner.rungs(study_id)
