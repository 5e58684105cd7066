"""Optuna's tables read our way: the same decisions, the same values, whatever goes wrong."""

import math
import random

import optuna
import pytest
import sqlalchemy.event
from omegaconf import OmegaConf
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from hydra_plugins.trialsmith_sweeper._build import build_pruner
from hydra_plugins.trialsmith_sweeper.config import PRUNERS
from trialsmith.search import database, outage
from trialsmith.search.pruning import QuickHalving, QuickPercentile, quickened
from trialsmith.search.storage import open_storage
from trialsmith.search.trial import attach

pytestmark = pytest.mark.filterwarnings(
    "ignore:All-NaN slice encountered",
    "ignore::optuna.exceptions.ExperimentalWarning",
    "ignore:WilcoxonPruner:UserWarning",
    "ignore:.*[Ww]ilcoxonPruner:UserWarning",
    # Optuna leaves its connections to the garbage collector
    "ignore:.*was deleted while still open:ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)

# so that a short study is pruned; all else as we offer it
HASTY = {
    "median": {"n_startup_trials": 3, "n_warmup_steps": 2},
    "percentile": {"n_startup_trials": 3, "n_warmup_steps": 2, "interval_steps": 2},
    "hyperband": {"max_resource": 9},
    "patient": {"patience": 0, "wrapped_pruner": {**PRUNERS["median"], "n_warmup_steps": 0}},
    "threshold": {"upper": 1.6},
    "wilcoxon": {"p_threshold": 0.3},
}
QUICK = {
    "median": QuickPercentile,
    "percentile": QuickPercentile,
    "hyperband": QuickHalving,
    "successive_halving": QuickHalving,
}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def url(request, tmp_path):
    """An empty database."""
    yield (
        f"sqlite:///{tmp_path}/study.db"
        if request.param == "sqlite"
        else request.getfixturevalue("postgresql").database(f"d{random.getrandbits(48)}")
    )
    open_storage.cache_clear()


def pruner(name: str) -> optuna.pruners.BasePruner:
    return build_pruner(OmegaConf.create({**PRUNERS[name], **HASTY.get(name, {})}))


def new_study(storage, direction="minimize") -> optuna.Study:
    sampler = optuna.samplers.RandomSampler(0)
    return optuna.create_study(
        storage=storage, study_name="s", direction=direction, sampler=sampler
    )


@pytest.mark.parametrize(
    ("name", "direction"),
    [(name, "minimize") for name in PRUNERS if name != "none"]
    + [(name, "maximize") for name in QUICK],
)
def test_every_pruner_decides_as_optunas_own(url, name, direction):
    theirs = new_study(optuna.storages.InMemoryStorage(), direction)
    theirs.pruner = pruner(name)
    if name == "hyperband":
        theirs.pruner._try_initialization(theirs)
    ours = new_study(open_storage(url), direction)
    draw = random.Random(0)

    def begin():
        if draw.random() < 0.1:
            open_storage.cache_clear()  # a process that knows nothing of the study yet
        storage = open_storage(url)
        number = ours.ask().number
        handle = attach(storage, "s", number, pruner(name))
        if name in QUICK:
            assert type(handle._trial.study.pruner) is QUICK[name]
        return theirs.ask(), handle._trial, draw.gauss(0, 0.5)

    running = [begin() for _ in range(3)]
    decisions = []
    for _ in range(80):
        k = draw.randrange(3)
        own, quick, level = running[k]
        step = len(theirs.trials[own.number].intermediate_values)
        value = draw.choices([level + draw.gauss(0, 0.5), math.nan], [20, 1])[0]
        for trial in (own, quick):
            trial.report(value, step)
        decisions.append(own.should_prune())
        assert quick.should_prune() == decisions[-1]
        if decisions[-1] or step == 8 or draw.random() < 0.03:
            state = TrialState.PRUNED if decisions[-1] else TrialState.COMPLETE
            score = level if state == TrialState.COMPLETE else None
            theirs.tell(own.number, score, state)
            ours.tell(quick.number, score, state)
            running[k] = begin()
    assert len(set(decisions)) == 2


def test_pruners_that_ask_for_more_are_left_as_they_are(url):
    storage = open_storage(url)
    for own in (
        optuna.pruners.SuccessiveHalvingPruner(),  # asks how long the others were
        optuna.pruners.HyperbandPruner(),
        optuna.pruners.WilcoxonPruner(),
        type("Mine", (optuna.pruners.MedianPruner,), {})(),
    ):
        assert quickened(own, storage) is own


def test_tables_of_another_version_are_read_by_optuna_alone(url, monkeypatch):
    monkeypatch.setattr(database, "SCHEMA", database.SCHEMA - 1)
    storage = open_storage(url)
    inner = getattr(storage, "inner", storage)
    assert type(inner) is optuna.storages._CachedStorage
    own = optuna.pruners.MedianPruner()
    assert quickened(own, storage) is own


def test_a_report_is_what_optuna_would_have_stored(url):
    storage = open_storage(url)
    study = new_study(storage)
    trial = study.ask()
    values = {0: 0.1 + 0.2, 1: math.inf, 2: -math.inf, 3: math.nan, 7: 1e-300}
    for step, value in values.items():
        storage.set_trial_intermediate_value(trial._trial_id, step, 17.0)
        storage.set_trial_intermediate_value(trial._trial_id, step, value)
    plain = optuna.load_study(study_name="s", storage=url).trials[0].intermediate_values
    assert repr(plain) == repr(values)
    study.tell(trial, 1.0)
    with pytest.raises(UpdateFinishedTrialError):
        storage.set_trial_intermediate_value(trial._trial_id, 9, 1.0)
    with pytest.raises(KeyError):
        storage.set_trial_intermediate_value(trial._trial_id + 1, 0, 1.0)
    assert plain.keys() == study.trials[0].intermediate_values.keys()


def finished(study, reports, state=TrialState.COMPLETE):
    values = {} if state != TrialState.COMPLETE else {"value": 1.0}
    trial = optuna.trial.create_trial(state=state, intermediate_values=reports, **values)
    study.add_trial(trial)


def known(storage, study, steps=(0, 1, 20)):
    found = [storage.completed_at(study._study_id, step) for step in steps]
    return [(count, sorted(values.tolist())) for count, values in found]


def truth(study, steps=(0, 1, 20)):
    trials = study.get_trials(states=[TrialState.COMPLETE])
    columns = [
        [t.intermediate_values[step] for t in trials if step in t.intermediate_values]
        for step in steps
    ]
    return [(len(trials), sorted(column)) for column in columns]


@pytest.mark.parametrize("many", [0, 500])
def test_reports_of_trials_that_end_between_two_looks_are_seen_once(url, monkeypatch, many):
    monkeypatch.setattr(database, "MANY", many)
    storage = open_storage(url)
    study = new_study(storage)
    late = study.ask()
    late.report(0.5, 1)
    for k in range(6):
        finished(study, {step: k + step / 100 for step in range(0, 25, 1 + k % 2)})
        finished(study, {0: -1.0}, TrialState.PRUNED)
        if k == 3:
            study.tell(late, 1.0)  # begun before the others
        assert known(storage, study) == truth(study)
    assert known(storage, study)[1] == (7, [0.01, 0.5, 2.01, 4.01])


def test_a_connection_that_breaks_leaves_nothing_half_known(url, monkeypatch):
    monkeypatch.setattr(outage, "FIRST_PAUSE", 0.001)
    storage = open_storage(url)
    storage = outage.lasting(getattr(storage, "inner", storage), "the server")
    study = new_study(storage)
    engine = storage.inner._backend.engine
    for turn in range(3):
        finished(study, {0: float(turn), 1: 10.0 + turn, 20: 20.0 + turn})
        for fatal in range(4):  # statements after which the server goes away
            left = [fatal]

            def cut(*_):
                left[0] -= 1  # noqa: B023
                if left[0] == -1:  # noqa: B023
                    raise sqlalchemy.exc.OperationalError("SELECT", {}, Exception("gone"))

            sqlalchemy.event.listen(engine, "before_cursor_execute", cut)
            try:
                found = known(storage, study)
            finally:
                sqlalchemy.event.remove(engine, "before_cursor_execute", cut)
            assert found == truth(study)
