"""A trial that breaks costs itself alone, and its failure says what happened."""

import pytest

PLAIN = ("hparams_search=plain", "hydra.sweeper.n_trials=5", "hydra.sweeper.n_jobs=2")

# fate of trials 1 and 3 → their failures, and the words of their messages
FATES = {
    "kill": ({"interrupted": 2}, "SIGKILL"),
    "exit": ({"interrupted": 2}, "exit code 7"),
    "segfault": ({"interrupted": 2}, "SIGSEGV"),
    "no number": ({"diverged": 2}, "nan at step 1"),
    "memory": ({"out_of_memory": 2}, "MemoryError"),
    "torch memory": ({"out_of_memory": 2}, "can't allocate"),
    "callback": ({"error": 2}, "a callback's own bug"),
    "quit": ({"error": 2}, "no reason"),
}


@pytest.mark.fault
@pytest.mark.parametrize("fate", FATES)
def test_a_trial_that_breaks_costs_itself_alone(app, fate: str) -> None:
    kinds, words = FATES[fate]
    app.search(*PLAIN, f"fate={fate}")
    assert app.check(5) == kinds
    broken = [trial for trial in app.study().trials if trial.state.name == "FAIL"]
    assert all(words in trial.user_attrs["message"] for trial in broken)
    assert app.processes() == []


@pytest.mark.parametrize("fate", ["hang", pytest.param("stop", marks=pytest.mark.fault)])
def test_a_trial_that_hangs_is_ended_and_tried_again(app, fate: str) -> None:
    output = app.search(*PLAIN, f"fate={fate}", "hydra.sweeper.stall_timeout=6")
    kinds = app.check(5)
    assert set(kinds) == {"interrupted"}
    assert kinds["interrupted"] >= 2  # more, where a worker takes as long to begin
    assert "trial 1: no report for 6 s (stall_timeout); queued again" in output
    points = [trial.user_attrs["params"] for trial in app.study().trials]
    assert points.count(points[1]) == 2


@pytest.mark.fault
def test_a_trial_whose_folder_is_deleted_goes_on(app) -> None:
    app.search(*PLAIN, "fate=folder gone")
    assert app.check(5) == {}
    assert (app.folder / "multirun/plain/best_params.json").is_file()


def test_a_module_that_cannot_be_imported_ends_the_search_with_its_name(app) -> None:
    output = app.search(*PLAIN, "fate=import", code=1)
    assert "No module named 'a_module_that_is_not_there'" in output
    assert output.count("Traceback") == 1
    app.search(*PLAIN)  # once it is mended the search goes on
    assert app.check(5)["error"] == 3


def test_a_users_module_that_a_worker_cannot_import_ends_the_search_with_its_name(app) -> None:
    program, parts = app.folder / "program.py", app.folder / "parts.py"
    text = program.read_text().replace("cfg.x - 0.3", "cfg.x - aim")
    program.write_text(f"from parts import aim\n{text}")
    here = "import sys\nassert 'spawn_main' not in str(sys.orig_argv), 'gone'\n"
    parts.write_text(f"{here}aim = 0.3\n")
    output = app.search(*PLAIN, code=1)
    assert "AssertionError: gone" in output
    assert "parts.py" in output
    assert "in an import of the task's file" in output
    assert len(app.study().trials) <= 5
    parts.write_text("aim = 0.3\n")
    app.search(*PLAIN)
    assert set(app.check(5)) <= {"error", "interrupted"}
