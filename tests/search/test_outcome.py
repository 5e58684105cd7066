"""How trials end, each for its own reason."""

import pickle
import signal
import subprocess
import sys

import optuna
import pytest
import sqlalchemy

from trialsmith.errors import DataError, Diverged, InfeasibleConfig, SearchError
from trialsmith.search.outcome import FAILURES, Outcome, TrialLost, outcome_of


class OutOfMemoryError(RuntimeError):
    """As torch calls it."""


def raising(error: BaseException):
    def task():
        raise error

    return task


def wrapping(error: BaseException):
    def task():
        try:
            raise error
        except Exception as cause:
            raise RuntimeError("Error in call to target 'Model'") from cause

    return task


CASES = [
    (MemoryError(), "out_of_memory"),
    (OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "out_of_memory"),
    (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "out_of_memory"),
    (Diverged("val/mae is nan"), "diverged"),
    (InfeasibleConfig("heads"), "infeasible"),
    (TrialLost("gone"), "interrupted"),
    (ValueError("shapes"), "error"),
    (RuntimeError("memory format"), "error"),
    (SystemExit(3), "error"),
]


@pytest.mark.parametrize(("error", "failure"), CASES)
def test_each_error_has_its_reason(error, failure):
    outcome = outcome_of(raising(error))
    assert (outcome.state, outcome.failure) == ("failed", failure)
    assert failure in FAILURES
    if not isinstance(error, SystemExit):
        assert outcome_of(wrapping(error)).failure == failure


def test_a_pruned_trial_is_not_a_failure():
    assert outcome_of(raising(optuna.TrialPruned())) == Outcome("pruned")
    assert outcome_of(wrapping(optuna.TrialPruned())) == Outcome("pruned")


@pytest.mark.parametrize("error", [DataError("row 7"), SearchError("space")])
def test_what_every_trial_would_meet_is_fatal(error):
    outcome = outcome_of(raising(error))
    assert outcome.fatal
    assert outcome.message == str(error)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1.0, float("-inf")]])
def test_a_score_must_be_finite(value):
    assert outcome_of(lambda: value).failure == "diverged"


@pytest.mark.parametrize("value", [None, "high", [], {"mae": 1}])
def test_a_score_must_be_a_number(value):
    assert outcome_of(lambda: value).failure == "error"


def test_a_task_without_a_score_makes_one_mistake_however_its_value_is_shown():
    first, second = (outcome_of(lambda v=value: v) for value in ("high", None))
    assert first.message != second.message
    assert first.signature == second.signature


def test_texts_fit_into_files_and_terminals():
    outcome = outcome_of(raising(ValueError("bad \udcff \0" + "z" * 1_000_000)))
    for text in (outcome.message, outcome.traceback):
        assert len(text) < 30_000
        assert text.startswith(("ValueError: bad", "Traceback"))
        assert "\0" not in text.encode().decode()


def test_a_task_that_is_asked_to_end_ends_and_has_no_outcome():
    """Lightning makes an exception of SIGTERM while it trains."""
    program = """
import os, signal, time
from lightning.pytorch.utilities.exceptions import SIGTERMException
from trialsmith.search.outcome import outcome_of

def notice(number, frame):
    raise SIGTERMException

def task():
    signal.signal(signal.SIGTERM, notice)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)

print(outcome_of(task))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == -signal.SIGTERM, done.stderr
    assert done.stdout == ""


def test_a_database_on_a_full_disk_ends_the_search_with_the_way_on(tmp_path):
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/study.db")

    def write():
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 3")
            for k in range(100):
                connection.exec_driver_sql(f"CREATE TABLE t{k} (x)")

    outcome = outcome_of(write)
    assert outcome.fatal
    assert "give the same command again" in outcome.message


def test_ctrl_c_is_not_an_outcome():
    with pytest.raises(KeyboardInterrupt):
        outcome_of(raising(KeyboardInterrupt()))


def test_errors_at_one_place_have_one_signature():
    def at_one_place(text):
        raise ValueError(text)

    first, second = (outcome_of(lambda t=text: at_one_place(t)) for text in ("a", "b"))
    assert first.signature == second.signature != ""
    assert first.signature != outcome_of(raising(ValueError("a"))).signature


@pytest.mark.parametrize("error", [error for error, _ in CASES])
def test_outcomes_survive_pickle_and_storage(error):
    outcome = outcome_of(raising(error))
    assert pickle.loads(pickle.dumps(outcome)) == outcome
    assert Outcome.from_record(outcome.record()) == outcome
