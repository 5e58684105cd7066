"""Searches that are killed: nothing survives, nothing is lost, the total is exact."""

import os
import signal
import time

import pytest

from trialsmith.search.domains import identity

pytestmark = pytest.mark.slow

LONG = ("hparams_search=plain", "hydra.sweeper.n_jobs=2", "epochs=400", "pause=0.05")


STOPS = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


def points(app):
    return [identity(trial.user_attrs["params"]) for trial in app.study().trials]


def finish(app, n_trials=5):
    app.search(*LONG[:2], "epochs=2", "pause=0.01", f"hydra.sweeper.n_trials={n_trials}")


def test_a_killed_sweeper_leaves_no_process_and_the_next_one_the_exact_total(app):
    process = app.start(*LONG)
    app.wait_for_running(2)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    app.wait_until(lambda: app.processes() == [], seconds=10)
    assert app.states() == {"RUNNING": 2}
    finish(app)
    assert app.states() == {"COMPLETE": 5, "FAIL": 2}
    again = [t for t in app.study().trials if "retry_of" in t.user_attrs]
    assert sorted(t.user_attrs["retry_of"] for t in again) == [0, 1]
    assert len(set(points(app))) == 5  # the interrupted points ran again, no other twice


@pytest.mark.parametrize(("number", "code"), STOPS)
def test_a_stopped_search_queues_its_trials_again(app, number, code):
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("the signal is ignored here and in every child, as under nohup")
    process = app.start(*LONG)
    app.wait_for_running(2)
    asked = time.monotonic()
    os.kill(process.pid, number)
    output, _ = process.communicate(timeout=30)
    assert time.monotonic() - asked < 5
    assert process.returncode == code, output
    assert "Traceback" not in output
    app.wait_until(lambda: app.processes() == [], seconds=5)
    assert app.states() == {"FAIL": 2, "WAITING": 2}
    finish(app)
    assert app.states() == {"COMPLETE": 5, "FAIL": 2}


def test_a_killed_worker_costs_its_own_trial_only(app):
    app.search("hparams_search=plain", "hydra.sweeper.n_jobs=2", "fate=die")
    assert app.states() == {"COMPLETE": 4, "FAIL": 1}
    dead = app.study().trials[1]
    assert dead.user_attrs["failure"] == "interrupted"
    assert "SIGKILL" in dead.user_attrs["message"]
    assert points(app).count(identity(dead.user_attrs["params"])) == 2


def test_what_a_trial_started_and_where_it_went_do_not_outlive_it(app):
    program = app.folder / "program.py"
    stray = 'subprocess.Popen(["sleep", "600"]); os.chdir("/"); return cfg.x'
    text = program.read_text().replace("trial = current_trial()", f"import subprocess; {stray}")
    program.write_text(text)
    app.search("hparams_search=plain")
    assert app.states() == {"COMPLETE": 4}
    app.wait_until(lambda: app.processes() == [], seconds=5)


def test_two_sweepers_share_one_budget(app):
    overrides = (*LONG[:2], "epochs=4", "pause=0.05", "hydra.sweeper.n_trials=9")
    pair = [app.start(*overrides) for _ in range(2)]
    for process in pair:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
    assert app.states() == {"COMPLETE": 9}
    assert len(set(points(app))) == 9
    assert len({trial.user_attrs["owner"] for trial in app.study().trials}) == 2


def test_a_sweeper_takes_over_from_one_that_dies(app):
    first = app.start(*LONG, "hydra.sweeper.n_trials=2")
    app.wait_for_running(2)
    second = app.start(*LONG[:2], "epochs=400", "pause=0.001", "hydra.sweeper.n_trials=2")
    time.sleep(4)
    assert second.poll() is None  # it waits, for the others may fail
    os.kill(first.pid, signal.SIGKILL)
    output, _ = second.communicate(timeout=60)
    assert second.returncode == 0, output
    assert app.states() == {"COMPLETE": 2, "FAIL": 2}
