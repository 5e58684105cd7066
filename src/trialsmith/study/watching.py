"""From a study in its storage to what the display of a search shows."""

import time
from collections.abc import Sequence
from datetime import datetime

import optuna
from optuna.trial import FrozenTrial, TrialState

from trialsmith.study.progress import EndedTrial, Progress, RunningTrial, SearchState
from trialsmith.study.table import TrialRow, best_of, direction_of, row, unit_of

DONE = (TrialState.COMPLETE, TrialState.PRUNED)


class Watch:
    """Shows where a study stands, whenever it is called: a sweep's `on_tick`.

    Args:
        display: shows it.
        study: as it is when the sweep begins: trials that are done count for no time.
        total: the study's n_trials.
        timeout: seconds that the sweep may begin trials for, None without a limit.
    """

    def __init__(
        self,
        display: Progress,
        study: optuna.Study,
        total: int | None,
        timeout: float | None = None,
    ) -> None:
        self._display = display
        self._total = total
        self._timeout = timeout
        self._unit = ""
        self._earlier = len(study.get_trials(deepcopy=False, states=DONE))
        self._began = time.monotonic()

    def __call__(self, study: optuna.Study, ended: int | None = None) -> None:
        """Show `study`; `ended` is the number of the trial that has just ended."""
        self._display.update(self.state(study, ended))

    def state(self, study: optuna.Study, ended: int | None = None) -> SearchState:
        """Where `study` stands now."""
        trials = study.get_trials(deepcopy=False)
        seconds = time.monotonic() - self._began
        best = _best(study, trials)
        self._unit = self._unit or unit_of(study.user_attrs, trials)
        return SearchState(
            total=self._total,
            complete=_count(trials, TrialState.COMPLETE),
            pruned=_count(trials, TrialState.PRUNED),
            failed=_count(trials, TrialState.FAIL),
            running=tuple(_running(t) for t in trials if t.state == TrialState.RUNNING),
            earlier=self._earlier,
            seconds=seconds,
            seconds_left=None if self._timeout is None else max(self._timeout - seconds, 0.0),
            best_value=None if best is None else best.values[0],
            best_trial=None if best is None else best.number,
            unit=self._unit,
            ended=next((_ended(trial) for trial in trials if trial.number == ended), None),
        )


def _count(trials: Sequence[FrozenTrial], state: TrialState) -> int:
    return sum(trial.state == state for trial in trials)


def _best(study: optuna.Study, trials: Sequence[FrozenTrial]) -> TrialRow | None:
    rows = [row(trial) for trial in trials if trial.state == TrialState.COMPLETE]
    return best_of(rows, [direction_of(direction) for direction in study.directions])


def _running(trial: FrozenTrial) -> RunningTrial:
    begun = trial.datetime_start
    known = row(trial)
    return RunningTrial(
        number=trial.number,
        seconds=0.0 if begun is None else (datetime.now() - begun).total_seconds(),
        epoch=known.epochs,
        value=None if trial.last_step is None else trial.intermediate_values[trial.last_step],
    )


def _ended(trial: FrozenTrial) -> EndedTrial:
    known = row(trial)
    return EndedTrial(
        number=known.number,
        state=known.failure or known.state,
        value=known.values[0] if known.values else None,
        epoch=known.epochs,
        message=known.message if known.failure else "",
    )
