"""Importances: what matters comes first, conditional parameters included."""

import optuna
import pytest
from study_examples import begin, search

from trialsmith.study.importance import FEWEST, importances
from trialsmith.study.table import read


def test_what_matters_comes_first(conditional: optuna.Study) -> None:
    found = importances(read(conditional))
    assert found[0].key == "optimizer.lr"
    assert sum(importance.share for importance in found) == pytest.approx(1)


def test_a_parameter_of_some_trials_is_there_once(conditional: optuna.Study) -> None:
    table = read(conditional)
    (layers,) = [i for i in importances(table) if i.key == "fusion.middle.layers"]
    having = [t for t in table.trials if t.scored and "fusion.middle.layers" in t.params]
    assert 0 < layers.trials == len(having) < sum(t.scored for t in table.trials)


def test_a_choice_that_decides_whether_a_parameter_exists() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(60):
        trial = study.ask()
        value = 2.0
        if trial.suggest_categorical("use", [True, False]):
            value = trial.suggest_float("inner", 0, 1)
        trial.suggest_float("nothing", 0, 1)
        study.tell(trial, value)
    by_key = {i.key: i.share for i in importances(read(study))}
    assert by_key["inner"] > 3 * by_key["nothing"]
    assert by_key["use"] > by_key["nothing"]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_the_direction_is_heeded(direction: str) -> None:
    """Only among the low values does x matter: y is constant there, and free elsewhere."""
    study = optuna.create_study(direction=direction, sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(100):
        trial = study.ask()
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        study.tell(trial, x if x < 0.5 else 1 + y)
    assert importances(read(study))[0].key == ("x" if direction == "minimize" else "y")


def test_too_few_or_equal_trials_have_no_importances(tmp_path) -> None:
    study = begin(tmp_path / "few")
    search(study, FEWEST - 1)
    assert importances(read(study)) == []
    same = optuna.create_study()
    same.optimize(lambda trial: 0 * trial.suggest_float("x", 0, 1), n_trials=20)
    assert importances(read(same)) == []


def test_each_objective_has_its_own(tmp_path) -> None:
    study = begin(tmp_path / "pareto", ["minimize", "maximize"])
    search(study, 40)
    table = read(study)
    assert importances(table, 0)[0].key == "optimizer.lr"
    assert importances(table, 1)[0].key == "layers"
