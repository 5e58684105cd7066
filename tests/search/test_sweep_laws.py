"""Laws of the sweep itself, with slots that run in this process and at once."""

import contextlib
import copy
import json
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
from filelock import FileLock
from optuna.trial import TrialState

from trialsmith.errors import DataError, Diverged, InfeasibleConfig, SearchError
from trialsmith.search import ownership, waiting
from trialsmith.search.domains import identity
from trialsmith.search.opening import StudyPlan, open_study
from trialsmith.search.outcome import Outcome, outcome_of
from trialsmith.search.proposal import Grid
from trialsmith.search.reading import Fixed, read
from trialsmith.search.recovery import elsewhere, recover
from trialsmith.search.rules import Rules
from trialsmith.search.slots import Ended, Slots
from trialsmith.search.space import Space
from trialsmith.search.storage import open_storage, storage_url
from trialsmith.search.sweep import Sweep
from trialsmith.search.trial import attach
from trialsmith.search.worker import Job
from trialsmith.study import locate
from trialsmith.study.locate import note_storage

DEAD = "{}:999999999:1"  # no process has this number


class SlotsAtOnce(Slots):
    """Runs a job when it is waited for; `objective(point)` may raise, None kills the process."""

    def __init__(self, objective: Callable, count: int = 1) -> None:
        super().__init__(count)
        self.objective = objective
        self.jobs: dict[int, dict] = {}

    @property
    def running(self) -> set[int]:
        return set(self.jobs)

    def start(self, job: Job) -> None:
        self.jobs[job.number] = json.loads(job.overrides[0])

    def wait(self, timeout: float) -> list[Ended]:
        if not self.jobs:
            return []
        number, point = next(iter(self.jobs.items()))
        del self.jobs[number]
        outcome = outcome_of(lambda: self.objective(point))
        killed = outcome.message.startswith("KILLED")
        return [Ended(number, None if killed else outcome, outcome.message)]

    def end(self, number: int, why: str) -> None:
        del self.jobs[number]

    def stop(self) -> None:
        self.jobs.clear()


class Killed(Exception):
    pass


SPACE = {
    "x": {"low": 0.0, "high": 1.0},
    "n": {"low": 1, "high": 6},
    "use": {"choices": [True, False]},
    "mix": {"choices": [1, True, [1, 2], None], "when": {"use": True}},
}
SMALL = {"use": {"choices": [True, False]}, "n": {"low": 1, "high": 3, "step": 1}}
CONDITIONAL = {"use": {"choices": [True, False]}, "n": {"low": 1, "high": 3, "when": {"use": True}}}


def quadratic(point: dict) -> float:
    return (point.get("x", 0.0) - 0.3) ** 2 + point.get("n", 0)


@pytest.fixture
def search(tmp_path):
    """`search(entries, objective, **rules)` opens the one study of the test and sweeps."""
    return lambda *args, **kwargs: run(tmp_path, *args, **kwargs)


def run(
    folder: Path, entries=SPACE, objective=quadratic, *, name="s", sampler=None, count=1, **rules
) -> optuna.Study:
    study, space = opened(folder, entries, name)
    make = sampler or (lambda seed: optuna.samplers.TPESampler(seed=seed, n_startup_trials=3))
    slots = objective if isinstance(objective, Slots) else SlotsAtOnce(objective, count)
    sweep = Sweep(
        study,
        space,
        Rules(**{"n_trials": 8, "seed": 0, **rules}),
        slots,
        turns=FileLock(folder / f"{name}.lock"),
        make_sampler=make,
        make_job=lambda number, point: Job(number, (json.dumps(point),)),
    )
    sweep.run()
    return study


def opened(folder: Path, entries=SPACE, name="s", **kwargs) -> tuple[optuna.Study, Space]:
    parameters = (read(key, entry, lambda _, text: Fixed(text)) for key, entry in entries.items())
    space = Space(tuple(parameters))
    url = storage_url("journal", folder / name)
    settings = kwargs.pop("settings", {})
    plan = StudyPlan(name, folder / name, url, ("minimize",), space, settings)
    return open_study(plan, **kwargs), space


def points(study: optuna.Study) -> list[str]:
    return [identity(trial.user_attrs["params"]) for trial in study.trials]


def states(study: optuna.Study) -> dict[str, int]:
    names = [trial.state.name for trial in study.trials]
    return {name: names.count(name) for name in set(names)}


SAMPLERS = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, n_startup_trials=3),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
    "cmaes": lambda seed: optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False),
    "nsgaii": lambda seed: optuna.samplers.NSGAIISampler(seed=seed, population_size=4),
    "grid": lambda seed: Grid(0),
}


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_resumed_study_equals_an_uninterrupted_one(tmp_path, sampler):
    entries = CONDITIONAL | {"m": {"low": 1, "high": 4}} if sampler == "grid" else SPACE
    options = {"entries": entries, "sampler": SAMPLERS[sampler]}
    whole = run(tmp_path, name="whole", n_trials=12, **options)
    for n_trials in (3, 4, 9, 12):
        parts = run(tmp_path, name="parts", n_trials=n_trials, **options)
        open_storage.cache_clear()  # the next invocation is another process
    assert points(parts) == points(whole)
    assert [trial.value for trial in parts.trials] == [trial.value for trial in whole.trials]


def test_n_trials_counts_complete_and_pruned_ones_only(search):
    fates = iter([ValueError, optuna.TrialPruned, MemoryError, Diverged, InfeasibleConfig] * 9)

    def objective(point):
        fate = next(fates)
        if fate is ValueError:
            return 1.0
        raise fate("so it is")

    study = search(objective=objective, n_trials=6)
    assert states(study) == {"COMPLETE": 3, "PRUNED": 3, "FAIL": 6}
    kinds = {trial.user_attrs.get("failure") for trial in study.trials} - {None}
    assert kinds == {"diverged", "out_of_memory", "infeasible"}


def test_nothing_is_started_when_the_study_is_done(search):
    search(n_trials=4)
    assert len(search(n_trials=4).trials) == 4
    assert len(search(n_trials=2).trials) == 4


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_no_point_is_tried_twice_and_a_finite_space_ends_the_search(search, sampler):
    study = search(CONDITIONAL, sampler=SAMPLERS[sampler], n_trials=100)
    assert len(set(points(study))) == len(study.trials) == 4


def test_points_may_repeat_when_asked(search):
    study = search(SMALL, sampler=SAMPLERS["random"], n_trials=10, allow_repeats=True)
    assert states(study) == {"COMPLETE": 10}
    assert len(set(points(study))) < 10


def test_side_by_side_trials_have_different_points(search):
    study = search(SMALL, count=3, n_trials=6)
    assert len(set(points(study))) == 6


def test_only_what_takes_part_is_sampled(search):
    for trial in search(n_trials=12).trials:
        point = trial.user_attrs["params"]
        assert ("mix" in point) == ("mix" in trial.params) == point["use"]


def test_a_score_that_is_no_number_is_a_failure_and_the_search_goes_on(search):
    scores = iter([float("nan"), float("inf"), 1.0, 2.0])
    study = search(objective=lambda point: next(scores), n_trials=2)
    assert states(study) == {"FAIL": 2, "COMPLETE": 2}
    assert [t.user_attrs.get("failure") for t in study.trials[:2]] == ["diverged"] * 2


def test_three_identical_errors_end_the_search_with_their_traceback(search, tmp_path):
    def objective(point):
        raise KeyError(point["x"])  # another text each time, the same place

    with pytest.raises(SearchError) as caught:
        search(objective=objective)
    assert str(caught.value).count("Traceback") == 1
    assert "raise KeyError" in str(caught.value)
    study, _ = opened(tmp_path)
    assert states(study) == {"FAIL": 3}


def test_different_errors_do_not_end_the_search(search):
    kinds = iter([KeyError, IndexError, TypeError] * 2)
    turns = iter(range(100))

    def objective(point):
        if next(turns) < 6:
            raise next(kinds)("once")
        return 1.0

    assert states(search(objective=objective, n_trials=1)) == {"FAIL": 6, "COMPLETE": 1}


def test_a_space_in_which_all_fail_comes_to_an_end(search):
    def objective(point):
        raise InfeasibleConfig("heads must divide the width")

    with pytest.raises(SearchError, match=r"7 trials in a row failed.*heads must divide"):
        search(objective=objective, max_failures=7)
    with pytest.raises(SearchError, match="none of the study's 4 trials was completed"):
        search(CONDITIONAL, objective, name="finite")


def test_wrong_data_ends_the_search_at_once_with_its_own_words(search, tmp_path):
    def objective(point):
        raise DataError("rows.csv, line 7: the target is empty")

    with pytest.raises(SearchError, match=r"^rows\.csv, line 7: the target is empty$"):
        search(objective=objective)
    assert states(opened(tmp_path)[0]) == {"FAIL": 1}


def test_a_trial_whose_process_dies_is_tried_again_up_to_a_cap(search):
    study = search(objective=killed_when(lambda point, turn: turn < 2), n_trials=3, max_retries=2)
    assert states(study) == {"FAIL": 2, "COMPLETE": 3}
    assert points(study)[0] == points(study)[1] == points(study)[2]
    assert study.trials[2].user_attrs["retry_of"] == 1

    study = search(
        objective=killed_when(lambda point, turn: turn < 4), n_trials=2, max_retries=1, name="t"
    )
    tries = [points(study).count(point) for point in dict.fromkeys(points(study))]
    assert tries[:2] == [2, 2]


def test_a_task_that_always_ends_its_process_ends_the_search(search, tmp_path):
    with pytest.raises(SearchError, match="3 times KILLED"):
        search(objective=killed_when(lambda point, turn: True), max_retries=2)
    study, _ = opened(tmp_path)
    assert states(study) == {"FAIL": 9}
    failures = [trial.user_attrs["failure"] for trial in study.trials]
    assert failures == ["interrupted", "interrupted", "error"] * 3


def test_a_point_that_the_kernel_kills_lacks_memory_and_is_not_tried_anew(search):
    objective = killed_when(lambda point, turn: point["use"], "KILLED: SIGKILL")
    study = search(SMALL, objective, n_trials=6, max_retries=1)
    assert states(study) == {"FAIL": 6, "COMPLETE": 3}
    failures = [trial.user_attrs.get("failure") for trial in study.trials]
    assert failures.count("out_of_memory") == failures.count("interrupted") == 3


def killed_when(dies, how="KILLED"):
    turns = iter(range(1000))

    def objective(point):
        if dies(point, next(turns)):
            raise DataError(how)
        return 1.0

    return objective


def test_trials_of_a_dead_sweeper_are_queued_again_and_the_total_is_exact(search, tmp_path):
    study, space = opened(tmp_path)
    dead = DEAD.format(ownership.host(ownership.me()))
    point = {"x": 0.25, "n": 2, "use": False}
    for _ in range(2):
        add_running(study, space, point, owner=dead)
    add_running(study, space, None, owner=dead)  # killed before it had a point
    study = search(n_trials=5)
    assert states(study) == {"FAIL": 3, "COMPLETE": 5}
    again = [t.user_attrs["retry_of"] for t in study.trials if "retry_of" in t.user_attrs]
    assert again == [0, 1]
    assert all(identity(point) == known for known in points_of(study, again_of=(0, 1)))


def points_of(study, again_of):
    return [
        identity(trial.user_attrs["params"])
        for trial in study.trials
        if trial.user_attrs.get("retry_of") in again_of
    ]


def add_running(study, space, point, **attributes) -> int:
    attributes |= {} if point is None else {"params": point}
    trial = optuna.trial.create_trial(state=TrialState.RUNNING, user_attrs=attributes)
    trial_id = study._storage.create_new_trial(study._study_id, template_trial=trial)
    for name, (value, distribution) in space.stored(point or {}).items() if point else ():
        internal = distribution.to_internal_repr(value)
        study._storage.set_trial_param(trial_id, name, internal, distribution)
    return study._storage.get_trial_number_from_id(trial_id)


def test_a_result_that_was_stored_before_its_sweeper_died_is_kept(search, tmp_path):
    study, space = opened(tmp_path)
    dead = DEAD.format(ownership.host(ownership.me()))
    result = Outcome("complete", (0.125,)).record()
    add_running(study, space, {"x": 0.25, "n": 2, "use": False}, owner=dead, result=result)
    study = search(n_trials=3)
    assert states(study) == {"COMPLETE": 3}
    assert study.trials[0].value == 0.125


def test_a_result_that_is_kept_is_not_tried_again(search, tmp_path):
    study, space = opened(tmp_path)
    dead = DEAD.format(ownership.host(ownership.me()))
    point = {"x": 0.25, "n": 2, "use": False}
    result = Outcome("complete", (0.125,)).record()
    number = add_running(study, space, point, owner=dead, result=result)
    # it died between the two writes of queueing it again, and the job went on to its end
    waiting._add(study, {"params": point, "retry_of": number, "retries": 1})
    assert recover(study) == [number]
    assert states(study) == {"COMPLETE": 1, "FAIL": 1}
    assert states(search(n_trials=3)) == {"COMPLETE": 3, "FAIL": 1}


def test_a_job_that_saw_its_sweeper_die_has_no_result(search, tmp_path):
    study, space = opened(tmp_path)
    dead = DEAD.format(ownership.host(ownership.me()))
    point = {"x": 0.25, "n": 2, "use": False}
    add_running(study, space, point, owner=dead, result=Outcome.interrupted("alone").record())
    study = search(n_trials=1)
    assert states(study) == {"FAIL": 1, "COMPLETE": 1}
    assert study.trials[1].user_attrs["params"] == point


def test_a_queued_point_survives_a_sweeper_that_dies_before_it_begins(search, tmp_path):
    study, space = opened(tmp_path)
    dead = DEAD.format(ownership.host(ownership.me()))
    add_running(study, space, None, owner=dead, enqueued={"n": 5})
    study = search(n_trials=2)
    assert states(study) == {"FAIL": 1, "COMPLETE": 2}
    assert study.trials[1].user_attrs["params"]["n"] == 5
    assert study.trials[1].user_attrs["retry_of"] == 0


class Stopping(SlotsAtOnce):
    """A job stores its result, and the search is stopped before it hears of it."""

    def __init__(self, study, objective):
        super().__init__(objective)
        self.study = study

    def wait(self, timeout):
        for number, point in self.jobs.items():
            trial = self.study._storage.get_all_trials(self.study._study_id)[number]
            outcome = outcome_of(lambda: self.objective(point))  # noqa: B023
            self.study._storage.set_trial_user_attr(trial._trial_id, "result", outcome.record())
        raise KeyboardInterrupt


def test_a_result_that_is_stored_when_the_search_is_stopped_is_kept(search, tmp_path):
    study, _ = opened(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        search(objective=Stopping(study, quadratic), n_trials=3)
    assert states(study) == {"COMPLETE": 1}
    assert study.trials[0].value == quadratic(study.trials[0].user_attrs["params"])


def test_who_comes_too_late_for_a_queued_trial_leaves_it_to_its_owner(tmp_path):
    study, space = opened(tmp_path)
    waiting.enqueue(study, space, [{"n": 5}])
    queue = study.get_trials(states=(TrialState.WAITING,))
    first, late = (sweeper(study, space, owner) for owner in (ownership.me(), "elsewhere:1:1"))
    trial, queued = first._take_queued()
    assert queued
    stale = copy.copy(study)
    stale.get_trials = lambda **_: queue  # it looked before the other took it
    late.study = stale
    assert late._take_queued() is None
    assert study.trials[trial.number].user_attrs["owner"] == ownership.me()
    assert recover(study, mine={trial.number}) == []


@pytest.mark.parametrize(
    ("claims", "lost"),
    [
        ([], True),
        (["dead"], True),
        (["dead", "me"], True),  # an outage has swallowed the answer
        (["dead", "elsewhere:1:1"], False),
    ],
)
def test_a_trial_on_its_way_out_of_the_queue_is_lost_with_all_who_claimed_it(
    tmp_path, claims, lost
):
    study, space = opened(tmp_path)
    number = add_running(study, space, None, enqueued={"n": 5})
    known = {"dead": DEAD.format(ownership.host(ownership.me())), "me": ownership.me()}
    for claim in claims:
        waiting.claim(study, study.trials[number], known.get(claim, claim))
    assert recover(study, mine=()) == ([number] if lost else [])
    assert states(study) == ({"FAIL": 1, "WAITING": 1} if lost else {"RUNNING": 1})
    assert recover(study, mine=(), gone=elsewhere(study)) == ([] if lost else [number])
    assert states(study) == {"FAIL": 1, "WAITING": 1}


def sweeper(study, space, owner) -> Sweep:
    made = Sweep(
        study,
        space,
        Rules(n_trials=8),
        SlotsAtOnce(quadratic),
        turns=contextlib.nullcontext(),
        make_sampler=SAMPLERS["random"],
        make_job=lambda number, point: Job(number, ()),
    )
    made._attributes["owner"] = owner
    return made


def test_trials_of_other_hosts_are_left_alone_until_they_are_taken_over(search, tmp_path):
    study, space = opened(tmp_path)
    add_running(study, space, {"x": 0.25, "n": 2, "use": False}, owner="elsewhere:1:1")
    study = search(n_trials=3, timeout=0.2)
    assert states(study)["RUNNING"] == 1
    study = search(n_trials=3, take_over=True)
    assert states(study) == {"FAIL": 1, "COMPLETE": 3}


def test_two_that_take_over_leave_each_other_alone(tmp_path):
    study, space = opened(tmp_path)
    point = {"x": 0.25, "n": 2, "use": False}
    lost = add_running(study, space, point, owner="gone:1:1")
    gone = elsewhere(study)  # asked when each of them begins
    assert gone == {"gone:1:1"}
    assert recover(study, mine=(), gone=gone) == [lost]
    add_running(study, space, point, owner="elsewhere:1:1")  # the other one takes it
    assert recover(study, mine=(), gone=gone) == []


def test_the_budget_leaves_a_place_for_trials_that_run_elsewhere(search, tmp_path):
    study, space = opened(tmp_path)
    add_running(study, space, {"x": 0.25, "n": 2, "use": False}, owner="elsewhere:1:1")
    study = search(n_trials=3, timeout=2.0)
    assert states(study) == {"RUNNING": 1, "COMPLETE": 2}


def test_an_orphan_learns_that_its_trial_is_lost(tmp_path):
    from trialsmith.search.outcome import TrialLost

    study, space = opened(tmp_path)
    number = add_running(study, space, {"x": 0.25, "n": 2, "use": False}, owner="x")
    handle = attach(study._storage, "s", number, optuna.pruners.NopPruner())
    handle.report(1.0, 0)
    waiting.requeue(study, study.trials[number], Outcome.interrupted("gone"), 0)
    with pytest.raises(TrialLost):
        handle.report(1.0, 1)
    with pytest.raises(TrialLost):
        handle.annotate(seconds=1.0)


def test_a_handle_reports_prunes_and_knows_all_parameters(search, tmp_path):
    study, space = opened(tmp_path)
    for value in (1.0, 1.0, 1.0):
        number = add_running(study, space, {"x": 0.25, "n": 2, "use": False}, owner="x")
        handle = attach(study._storage, "s", number, optuna.pruners.MedianPruner(2, 0))
        handle.report(value, 0)
        study.tell(number, value)
    number = add_running(study, space, {"x": 0.5, "n": 2, "use": False}, owner="x")
    handle = attach(study._storage, "s", number, optuna.pruners.MedianPruner(2, 0))
    assert handle.parameters == {"x": 0.5, "n": 2, "use": False, "mix": None}
    with pytest.raises(optuna.TrialPruned):
        handle.report(5.0, 0)
    with pytest.raises(Diverged):
        handle.report(float("nan"), 1)


def test_enqueued_points_come_first_and_once(search, tmp_path):
    study, space = opened(tmp_path)
    good = [{"x": 0.25, "n": 2, "use": True, "mix": [1, 2]}, {"n": 5}]
    assert waiting.enqueue(study, space, good) == 2
    assert waiting.enqueue(study, space, good) == 0
    study = search(n_trials=4)
    assert study.trials[0].user_attrs["params"] == good[0]
    assert study.trials[1].user_attrs["params"]["n"] == 5
    assert states(study) == {"COMPLETE": 4}
    assert waiting.enqueue(study, space, good) == 0


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ({"y": 1}, "y is not searched"),
        ({"x": 2.0}, r"x=2.0 is outside 0.0 to 1.0"),
        ({"n": 2.5}, "n=2.5 is not a whole number"),
        ({"use": False, "mix": None}, "mix takes no part"),
        ({"use": True, "mix": 7}, r"mix=7 is not one of 1, true, \[1, 2\], null"),
    ],
)
def test_points_that_cannot_be_are_refused(tmp_path, point, words):
    study, space = opened(tmp_path)
    with pytest.raises(SearchError, match=words):
        waiting.enqueue(study, space, [point])
    assert study.trials == []


def test_another_space_is_refused_with_the_parameters_named(search, tmp_path):
    search(n_trials=1)
    with pytest.raises(SearchError, match=r"n: was .*\n.*study_name=NAME.*restart=true") as caught:
        opened(tmp_path, SPACE | {"n": {"low": 1, "high": 7}})
    assert "x:" not in str(caught.value)


def test_other_data_are_refused_and_other_settings_are_named(tmp_path, caplog):
    settings = {"data.path": "a.csv", "epochs": 3, "data.num_workers": 0, "data.limit": None}
    opened(tmp_path, settings=settings)
    with pytest.raises(SearchError, match=r'data.path: was "a.csv", is "b.csv"'):
        opened(tmp_path, settings=settings | {"data.path": "b.csv"})
    opened(tmp_path, settings=settings | {"epochs": 4, "data.num_workers": 2})
    assert "epochs: was 3, is 4" in caplog.text
    # a later version of the configuration has keys that do nothing yet, and lacks others
    del settings["data.limit"]
    opened(tmp_path, settings=settings | {"data.held_out": None, "data.at_most": True})
    with pytest.raises(SearchError, match=r"data.held_out: was absent, is 0"):
        opened(tmp_path, settings=settings | {"data.held_out": 0})


def test_restart_begins_anew_and_keeps_the_old_study(search, tmp_path):
    search(n_trials=3)
    study, _ = opened(tmp_path, SMALL, restart=True)
    assert study.trials == []
    (aside,) = tmp_path.glob("s.2*")
    old = optuna.load_study(study_name="s", storage=open_storage(storage_url("journal", aside)))
    assert len(old.trials) == 3


@pytest.mark.parametrize("file", ["mine.db", "study.db"])
def test_an_address_within_the_folder_is_put_aside_with_it(tmp_path, file):
    folder, url = tmp_path / "s", f"sqlite:///{tmp_path}/s/{file}"
    plan = StudyPlan("s", folder, url, ("minimize",), Space(()), {}, note=note_storage)
    folder.mkdir()
    open_study(plan).add_trial(optuna.trial.create_trial(value=1.0))
    assert open_study(plan, restart=True).trials == []
    (aside,) = tmp_path.glob("s.2*")
    assert [len(locate.open_study(each).trials) for each in (aside, folder)] == [1, 0]


def test_restart_is_refused_while_somebody_works_on_the_study(tmp_path):
    study, space = opened(tmp_path)
    add_running(study, space, {"x": 0.25, "n": 2, "use": False}, owner=ownership.me())
    with pytest.raises(SearchError, match="while it is searched by"):
        opened(tmp_path, restart=True)


def test_a_torn_journal_heals_and_the_torn_bytes_are_kept(search, tmp_path):
    search(n_trials=3)
    journal = tmp_path / "s" / "study.journal"
    torn = b'{"op_code":8,"trial_id":2,"user_a'
    with journal.open("ab") as file:
        file.write(torn)
    study = search(n_trials=5)
    open_storage.cache_clear()
    assert states(opened(tmp_path)[0]) == {"COMPLETE": 5}
    assert states(study) == {"COMPLETE": 5}
    assert journal.with_name("study.journal.torn").read_bytes().startswith(torn)
