"""A journal read our way is the journal that Optuna reads, however and whenever it is read."""

import random
import shutil
from pathlib import Path

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import MedianPruner, PatientPruner, PercentilePruner
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState, create_trial

from trialsmith.errors import SearchError
from trialsmith.search import journal, journal_state
from trialsmith.search.journal import Journal
from trialsmith.search.pruning import QuickPercentile, quickened
from trialsmith.search.storage import HealingLock

DISTRIBUTIONS = {
    "lr": FloatDistribution(1e-5, 1.0, log=True),
    "n": IntDistribution(1, 9, step=2),
    "one": CategoricalDistribution((1, 2)),
    "true": CategoricalDistribution((True, False)),
    "text": CategoricalDistribution(("ä", "null")),
}


def ours(path: Path) -> Journal:
    return Journal(path, HealingLock(path))


def theirs(path: Path) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(path)))


def work(study: optuna.Study, draw: random.Random, events: int) -> None:
    """Trials that begin, report, annotate and end in any order."""
    running: list[optuna.Trial] = []
    for _ in range(events):
        event = draw.randrange(7)
        if event == 0 or not running:
            running.append(study.ask())
            continue
        trial = draw.choice(running)
        if event == 1:
            name, distribution = draw.choice(list(DISTRIBUTIONS.items()))
            trial._suggest(name, distribution)
        elif event in (2, 3, 4):
            step = draw.randrange(12)
            if step not in study.trials[trial.number].intermediate_values:
                trial.report(draw.gauss(0, 1), step)
        elif event == 5:
            trial.set_user_attr(draw.choice("ab"), {"deep": [draw.random(), None]})
        else:
            state = draw.choice([TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL])
            study.tell(trial, draw.random() if state == TrialState.COMPLETE else None, state)
            running.remove(trial)


def assert_equal(path: Path, storage: Journal) -> None:
    other = theirs(path)
    assert storage.get_all_studies() == other.get_all_studies()
    for study in other.get_all_studies():
        trials = other.get_all_trials(study._study_id)
        assert storage.get_all_trials(study._study_id) == trials
        kinds = [(type(v), v) for t in trials for v in t.params.values()]
        again = storage.get_all_trials(study._study_id)
        assert kinds == [(type(v), v) for t in again for v in t.params.values()]
        done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        for step in range(12):
            count, values = storage.completed_at(study._study_id, step)
            reports = [trial.intermediate_values.get(step) for trial in done]
            assert count == len(done)
            assert sorted(values) == sorted(value for value in reports if value is not None)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_ours_is_theirs_with_and_without_the_state_of_before(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("journal") / "study.journal"
    draw = random.Random(seed)
    writer = ours(path)  # reads as it writes
    reader = ours(path)  # reads now and then
    study = optuna.create_study(study_name="s", storage=writer, sampler=sampler(seed))
    optuna.create_study(study_name="other", storage=theirs(path), directions=["maximize"] * 2)
    study.add_trial(create_trial(value=0.5, intermediate_values={3: 0.25}))
    for _ in range(3):
        work(study, draw, 25)
        assert_equal(path, writer)
        assert_equal(path, reader)
        journal_state.save(path, reader._replay_result, reader._backend.position)
        work(study, draw, draw.randrange(20))
        fresh = ours(path)  # begins at the state, and reads on
        assert_equal(path, fresh)
        assert journal_state.load(path, ours(path)._replay_result) != (0, 0)


def sampler(seed: int) -> optuna.samplers.BaseSampler:
    return optuna.samplers.RandomSampler(seed)


def test_who_reads_much_leaves_its_state_to_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "WORTH_KEEPING", 50)
    path = tmp_path / "study.journal"
    work(optuna.create_study(storage=theirs(path)), random.Random(0), 200)
    assert not journal_state.beside(path).exists()
    assert_equal(path, ours(path))
    assert journal_state.beside(path).exists()
    assert_equal(path, ours(path))


@pytest.mark.parametrize("harm", ["cut", "other bytes", "of another journal", "a shorter journal"])
def test_a_state_that_does_not_fit_its_journal_is_left_aside(tmp_path, monkeypatch, harm):
    monkeypatch.setattr(journal, "WORTH_KEEPING", 0)
    path = tmp_path / "study.journal"
    work(optuna.create_study(storage=theirs(path)), random.Random(0), 200)
    ours(path)
    state = journal_state.beside(path)
    content = state.read_bytes()
    if harm == "cut":
        state.write_bytes(content[:-100])
    elif harm == "other bytes":
        state.write_bytes(content[:500] + b"no such bytes" + content[513:])
    elif harm == "of another journal":
        other = tmp_path / "other.journal"
        work(optuna.create_study(storage=theirs(other)), random.Random(1), 200)
        ours(other)
        shutil.copy(journal_state.beside(other), state)
    else:
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-30]))
    assert_equal(path, ours(path))


PRUNERS = {
    "median": lambda: MedianPruner(n_startup_trials=2, n_warmup_steps=1),
    "early": lambda: MedianPruner(n_startup_trials=0, n_warmup_steps=0, n_min_trials=3),
    "percentile": lambda: PercentilePruner(25.0, 1, 2, interval_steps=3),
    "patient": lambda: PatientPruner(MedianPruner(1, 0), patience=1),
}


@pytest.mark.filterwarnings("ignore:All-NaN slice encountered")
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize("name", PRUNERS)
def test_a_quick_pruner_decides_as_optunas_own(
    name: str, seed: int, direction: str, tmp_path: Path
) -> None:
    path = tmp_path / "study.journal"
    storage, draw = ours(path), random.Random(seed)
    own, quick = PRUNERS[name](), quickened(PRUNERS[name](), storage)
    assert isinstance(getattr(quick, "_wrapped_pruner", quick), QuickPercentile)
    study = optuna.create_study(storage=storage, direction=direction, sampler=sampler(seed))
    running = [study.ask() for _ in range(4)]
    decisions = []
    for _ in range(120):
        trial = draw.choice(running)
        frozen = study.trials[trial.number]
        step = (frozen.last_step or 0) + draw.choice([1, 1, 1, 2, 5])
        trial.report(draw.choice([draw.gauss(0, 1), draw.gauss(0, 1), float("nan")]), step)
        frozen = study.trials[trial.number]
        decisions.append(own.prune(study, frozen))
        assert quick.prune(study, frozen) == decisions[-1]
        if draw.random() < 0.2:
            study.tell(
                trial, draw.random(), draw.choice([TrialState.COMPLETE, TrialState.COMPLETE])
            )
            running[running.index(trial)] = study.ask()
    if name != "patient":  # which seldom prunes
        assert len(set(decisions)) == 2


def replaced(path: Path) -> None:
    path.rename(path.with_name("aside"))
    theirs_of = theirs(path)
    study = optuna.create_study(storage=theirs_of, study_name="s")
    for _ in range(9):  # and is longer by now
        study.ask()


def cut(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))


@pytest.mark.parametrize("harm", [replaced, cut, Path.unlink])
def test_a_journal_that_is_replaced_or_cut_under_a_search_is_noticed(tmp_path, harm) -> None:
    path = tmp_path / "study.journal"
    study = optuna.create_study(storage=ours(path), study_name="s")
    for _ in range(3):
        study.ask()
    harm(path)
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(SearchError, match="removed, replaced or cut short"):
        study.ask()
    with pytest.raises(SearchError, match="removed, replaced or cut short"):
        study.tell(0, 1.0)
    assert (path.read_bytes() if path.exists() else None) == before


@pytest.mark.parametrize("line", [b"5", b"{}", b"\0\0\0", b"\xff", b"null", b"[]"])
def test_a_line_that_no_search_has_written_is_named(tmp_path, line: bytes) -> None:
    path = tmp_path / "study.journal"
    study = optuna.create_study(storage=ours(path), study_name="s")
    lines = len(path.read_bytes().splitlines())
    with path.open("ab") as file:
        file.write(line + b"\n")
    for look in (lambda: study.trials, lambda: study.trials, lambda: ours(path)):
        with pytest.raises(SearchError, match=f"line {lines + 1} is not what a search"):
            look()
