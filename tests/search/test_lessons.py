"""A sampler learns to keep away from where trials fail by their point, and from nothing else."""

from itertools import groupby

import optuna
import pytest
from optuna.samplers import (
    CmaEsSampler,
    GPSampler,
    NSGAIISampler,
    PartialFixedSampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from optuna.trial import TrialState, create_trial
from test_sweep_laws import points, run

from trialsmith.errors import Diverged
from trialsmith.search.lessons import SHARE, as_shown
from trialsmith.search.storage import open_storage

SPACE = {"x": {"low": 0.0, "high": 1.0}, "y": {"low": 0.0, "high": 1.0}}
STARTUP = 8
SAMPLERS = {
    "tpe": lambda seed: TPESampler(seed=seed, n_startup_trials=STARTUP),
    "tpe, one by one": lambda seed: TPESampler(
        seed=seed, n_startup_trials=STARTUP, multivariate=False
    ),
    "cmaes": lambda seed: CmaEsSampler(seed=seed, warn_independent_sampling=False),
}


def bowl(point: dict) -> float:
    """Best away from the quarter of the space in which training diverges."""
    if point["x"] > 0.75:
        raise Diverged("nan")
    return (point["x"] - 0.3) ** 2 + point["y"] ** 2


def edge(point: dict) -> float:
    """Better the nearer to it: the best points seen are always beside it."""
    if point["x"] > 0.75:
        raise Diverged("nan")
    return (0.75 - point["x"]) + point["y"] ** 2


def is_there(study: optuna.Study) -> list[bool]:
    """Whether each trial after the first ones was in that quarter; all the others are complete."""
    states = [trial.state for trial in study.trials]
    there = [trial.params["x"] > 0.75 for trial in study.trials]
    assert states == [TrialState.FAIL if failed else TrialState.COMPLETE for failed in there]
    return there[STARTUP:]


def longest_row(there: list[bool]) -> int:
    return max(len(list(row)) if failed else 0 for failed, row in groupby(there))


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_region_that_diverges_is_tried_less_than_it_is_large(tmp_path, name):
    options = {"entries": SPACE, "objective": bowl, "sampler": SAMPLERS[name], "n_trials": 30}
    there = [is_there(run(tmp_path, name=f"s{seed}", seed=seed, **options)) for seed in range(2)]
    assert sum(map(sum, there)) / sum(map(len, there)) < 0.25 / 2


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_search_whose_best_points_lie_beside_that_region_goes_on(tmp_path, name):
    study = run(tmp_path, SPACE, edge, sampler=SAMPLERS[name], n_trials=30, seed=1, max_failures=10)
    assert longest_row(is_there(study)) < 8


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_resumed_study_with_failures_equals_an_uninterrupted_one(tmp_path, name):
    options = {"entries": SPACE, "objective": edge, "sampler": SAMPLERS[name]}
    whole = run(tmp_path, name="whole", n_trials=16, **options)
    for n_trials in (9, 16):
        parts = run(tmp_path, name="parts", n_trials=n_trials, **options)
        open_storage.cache_clear()
    assert points(parts) == points(whole)
    assert TrialState.FAIL in {trial.state for trial in whole.trials}


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("sampler", [QMCSampler, NSGAIISampler, RandomSampler])
def test_a_search_with_failures_ends_with_samplers_that_need_no_lesson(tmp_path, sampler):
    study = run(tmp_path, SPACE, edge, sampler=lambda seed: sampler(seed=seed), n_trials=10)
    assert sum(trial.state == TrialState.COMPLETE for trial in study.trials) == 10


def failed(kind: str, x: float = 0.5, **attributes):
    return create_trial(
        state=TrialState.FAIL,
        params={"x": x},
        distributions={"x": optuna.distributions.FloatDistribution(0, 1)},
        user_attrs={"failure": kind},
        **attributes,
    )


def study_of(*trials, sampler=None, directions=("minimize",)) -> optuna.Study:
    study = optuna.create_study(directions=directions, sampler=sampler or TPESampler())
    study.add_trials(trials)
    return study


KINDS = ["diverged", "out_of_memory", "infeasible", "interrupted", "error"]


def test_interruptions_and_bugs_teach_nothing_and_what_is_stored_stays():
    reports = {0: -5.0}  # it looked well before it diverged
    trials = [failed(kind, intermediate_values=reports) for kind in KINDS]
    study = study_of(create_trial(value=1.0), *trials)
    before = study.trials
    shown = as_shown(study).trials
    states = [trial.state.name for trial in shown]
    assert states == ["COMPLETE", "PRUNED", "PRUNED", "PRUNED", "FAIL", "FAIL"]
    assert all(not trial.intermediate_values for trial in shown if trial.state.name == "PRUNED")
    assert study.trials == before
    assert [trial.state.name for trial in before] == ["COMPLETE"] + ["FAIL"] * 5


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize(
    "make", [GPSampler, CmaEsSampler, lambda: PartialFixedSampler({}, GPSampler())]
)
def test_samplers_that_model_scores_are_shown_the_worst_one(make):
    sampler = make()
    complete = [create_trial(values=values) for values in ([1.0, 5.0], [3.0, 2.0])]
    study = study_of(
        *complete, failed("diverged"), sampler=sampler, directions=["minimize", "maximize"]
    )
    assert as_shown(study).trials[2].values == [3.0, 2.0]
    assert as_shown(study).trials[2].state == TrialState.COMPLETE
    assert as_shown(study_of(failed("diverged"), sampler=sampler)).trials[0].values is None


@pytest.mark.parametrize("scored", [0, 1, 3, 20])
def test_failures_never_count_among_the_good(scored):
    scores = [create_trial(value=float(k)) for k in range(scored)]
    study = study_of(*scores, *[failed("diverged", k / 500) for k in range(500)])
    trials = as_shown(study).get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))
    assert len(trials) == min(scored * (1 + SHARE), scored + 500)
    good = optuna.samplers._tpe.sampler.default_gamma(len(trials))
    below, _ = optuna.samplers._tpe.sampler._split_trials(study, trials, good)
    assert {trial.state for trial in below} <= {TrialState.COMPLETE}
    newest = [trial.number for trial in trials[scored:]]
    assert newest == list(range(scored + 500 - len(newest), scored + 500))
