"""What the display is told agrees with the study."""

from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from study_examples import begin, search

from trialsmith.study.progress import EndedTrial, Progress, SearchState
from trialsmith.study.table import read
from trialsmith.study.watching import Watch


class Recorder(Progress):
    def __init__(self) -> None:
        self.states: list[SearchState] = []

    def update(self, state: SearchState) -> None:
        self.states.append(state)


def test_it_counts_as_the_table_does(conditional: optuna.Study) -> None:
    display = Recorder()
    watch = Watch(display, conditional, total=100)
    running = conditional.ask()
    running.report(0.75, 2)
    watch(conditional)
    (state,) = display.states
    table = read(conditional)
    assert table.best is not None
    for name in ("complete", "pruned", "failed"):
        assert getattr(state, name) == table.counts[name]
    assert (state.best_trial, state.best_value) == (table.best.number, table.best.values[0])
    (shown,) = state.running
    assert (shown.number, shown.epoch, shown.value) == (running.number, 3, 0.75)
    assert state.expected_seconds is None  # no trial has ended since the watch began


def test_it_tells_how_a_trial_ended(tmp_path: Path) -> None:
    study = begin(tmp_path / "s")
    search(study, 5, fails=lambda k: k == 1)
    watch = Watch(Recorder(), study, total=None, timeout=60.0)
    value = study.trials[0].value
    assert watch.state(study, 0).ended == EndedTrial(0, "complete", value, 10)
    assert watch.state(study, 1).ended == EndedTrial(
        1, "diverged", None, None, "val/mae is nan in epoch 3"
    )
    assert watch.state(study, 4).ended == EndedTrial(4, "pruned", study.trials[4].value, 3)
    assert watch.state(study).seconds_left == pytest.approx(60, abs=30)


def test_several_objectives_have_no_best(tmp_path: Path) -> None:
    study = begin(tmp_path / "s", ["minimize", "maximize"])
    search(study, 5)
    state = Watch(Recorder(), study, total=5).state(study)
    assert (state.best_value, state.best_trial, state.complete) == (None, None, 5)


def test_a_study_without_trials(tmp_path: Path) -> None:
    study = begin(tmp_path / "s")
    assert Watch(Recorder(), study, total=5).state(study).done == 0
    assert study.get_trials(states=(TrialState.RUNNING,)) == []
