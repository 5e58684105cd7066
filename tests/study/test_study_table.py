"""The table says what Optuna says of the same study."""

from typing import Literal

import numpy as np
import optuna
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState, create_trial
from study_examples import NASTY

from trialsmith.study.table import read

DIRECTIONS: list[Literal["minimize", "maximize"]] = ["minimize", "maximize"]
values = st.integers(-3, 3).map(float) | st.sampled_from([np.inf, -np.inf])
optuna.logging.set_verbosity(optuna.logging.WARNING)


@given(st.sampled_from(DIRECTIONS), st.lists(st.tuples(values, st.sampled_from([-1.0, 0.0, 1.0]))))
def test_best_is_optunas_best(
    direction: Literal["minimize", "maximize"], trials: list[tuple[float, float]]
) -> None:
    study = optuna.create_study(direction=direction)
    study.add_trials(create_trial(value=v, constraints={"c": c}) for v, c in trials)
    best = read(study).best
    if all(constraint > 0 for _, constraint in trials):
        assert best is None
    else:
        assert best is not None
        assert best.values == (study.best_value,)
        assert best.feasible


@given(st.permutations(DIRECTIONS), st.lists(st.tuples(values, values)))
def test_front_is_optunas_front(
    directions: list[Literal["minimize", "maximize"]], trials: list[tuple[float, float]]
) -> None:
    study = optuna.create_study(directions=directions)
    study.add_trials(create_trial(values=pair) for pair in trials)
    table = read(study)
    assert {t.number for t in table.front} == {t.number for t in study.best_trials}
    assert table.best is None


def test_every_trial_is_counted_once(conditional: optuna.Study) -> None:
    conditional.ask()
    table = read(conditional)
    assert sum(table.counts.values()) == len(table.trials) == 41
    assert table.counts["running"] == 1
    assert table.failures == {"diverged": table.counts["failed"]}


def test_branches_of_a_parameter_are_one_key(conditional: optuna.Study) -> None:
    table = read(conditional)
    assert table.keys == ["optimizer.lr", "layers", "fusion", "fusion.middle.layers"]
    for trial in table.trials:
        assert ("fusion.middle.layers" in trial.params) == (trial.params["fusion"] == "middle")
        assert set(trial.sampled) == set(trial.params)


def test_a_study_of_the_stock_sweeper_keeps_its_names() -> None:
    study = optuna.create_study()
    trial = study.ask()
    # Hydra's own spelling of a group in a package: not a branch of `db`
    trial.suggest_categorical("db@backup", ["mysql", NASTY])
    study.tell(trial, 1.0)
    (row,) = read(study).trials
    assert list(row.params) == list(row.sampled) == ["db@backup"]


def test_epochs_count_reports_and_a_pruned_trial_keeps_its_last_value() -> None:
    study = optuna.create_study()
    trial = study.ask()
    trial.report(0.5, 0)
    trial.report(0.25, 1)
    study.tell(trial, state=TrialState.PRUNED)
    table = read(study)
    assert (table.trials[0].epochs, table.trials[0].values) == (2, (0.25,))
    assert table.best is None


def test_objectives_without_names_get_some() -> None:
    one = optuna.create_study()
    one.set_user_attr("metric", "")
    assert read(one).objectives == ("value",)
    two = optuna.create_study(directions=["minimize", "minimize"])
    two.set_user_attr("metric", "val/mae")
    assert read(two).objectives == ("val/mae", "value_1")


def test_the_unit_may_come_with_a_trial() -> None:
    study = optuna.create_study()
    study.ask()
    study.ask().set_user_attr("unit", "eV")
    assert read(study).unit == "eV"
