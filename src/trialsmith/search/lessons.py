"""What a sampler learns from trials that failed by their point.

Optuna's samplers look at trials with a score only. To them a region in which training diverges is
one that nobody has been to, and the best guess may lie there for ever. So a sampler is shown the
study as if such trials had ended badly. What is stored stays as it is.
"""

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np
import optuna
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, PartialFixedSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from trialsmith.search.forwarding import Forwarding
from trialsmith.search.outcome import BY_THEIR_POINT

SHARE = 9
"""So many failed trials are shown for each one with a score, the latest ones: TPE takes a tenth of
all trials for good, and none of these shall be among them."""


def as_shown(study: optuna.Study) -> optuna.Study:
    """`study` as its sampler is to see it; what is written there is written to the storage."""
    shown = copy.copy(study)
    shown._storage = _Lessons(study)  # type: ignore[abstract]
    return shown


class _Lessons(Forwarding):
    def __init__(self, study: optuna.Study) -> None:
        super().__init__(study._storage)
        self._directions = study.directions
        self._needs_scores = _needs_scores(study.sampler)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Any = None
    ) -> list[FrozenTrial]:
        trials = self.inner.get_all_trials(study_id, deepcopy=deepcopy)
        shown = self._scored(trials) if self._needs_scores else _pruned(trials)
        return [trial for trial in shown if states is None or trial.state in states]

    def _scored(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        """Failed trials as complete ones, with the worst value so far for each objective."""
        complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        failed = _lessons(trials, len(complete))
        if not failed:
            return trials
        scores = np.array([trial.values for trial in complete])
        worst = [
            float(np.min(each) if direction == StudyDirection.MAXIMIZE else np.max(each))
            for each, direction in zip(scores.T, self._directions, strict=True)
        ]
        return _replaced(trials, failed, TrialState.COMPLETE, worst)


def _needs_scores(sampler: BaseSampler) -> bool:
    """Whether the sampler models the scores, and so has no use for a trial without one.

    Of the others TPE ranks a trial that was pruned before its first report below all others. An
    evolution (NSGA) has no offspring of failed trials anyway; random, QMC and grid learn nothing.
    """
    while isinstance(sampler, PartialFixedSampler):
        sampler = sampler._base_sampler
    return isinstance(sampler, CmaEsSampler | GPSampler)


def _pruned(trials: list[FrozenTrial]) -> list[FrozenTrial]:
    """Failed trials as such that were pruned before their first report."""
    counted = (TrialState.COMPLETE, TrialState.PRUNED)
    failed = _lessons(trials, sum(trial.state in counted for trial in trials))
    return _replaced(trials, failed, TrialState.PRUNED, None) if failed else trials


def _lessons(trials: Iterable[FrozenTrial], scored: int) -> set[int]:
    """Numbers of the failed trials that a sampler is shown."""
    failed = [
        trial.number
        for trial in trials
        if trial.state == TrialState.FAIL and trial.user_attrs.get("failure") in BY_THEIR_POINT
    ]
    return set(failed[max(0, len(failed) - SHARE * scored) :])


def _replaced(
    trials: list[FrozenTrial], failed: set[int], state: TrialState, values: list[float] | None
) -> list[FrozenTrial]:
    shown = []
    for trial in trials:
        if trial.number in failed:
            trial = copy.copy(trial)
            trial.state, trial.intermediate_values = state, {}
            trial._values = values
        shown.append(trial)
    return shown
