"""What the last screen says of going on, and what is imported late."""

import sys

import optuna
import pytest

from hydra_plugins.trialsmith_sweeper._display import LateImport, _going_on


def study_with(complete: int) -> optuna.Study:
    study = optuna.create_study()
    study.add_trials([optuna.trial.create_trial(value=0.0) for _ in range(complete)])
    return study


@pytest.mark.parametrize("restart", ["+restart=true", "hydra.sweeper.restart=true"])
def test_going_on_never_begins_anew(restart):
    words = ["train.py", "-m", restart, "x=1,2"]
    assert _going_on(words, study_with(3), n_trials=8) == ["train.py", "-m", "x=1,2"]


@pytest.mark.parametrize("asked", [8, 3])
def test_a_study_that_is_done_goes_on_with_more_trials(asked):
    words = ["train.py", "-m", f"hydra.sweeper.n_trials={asked}", "x=1,2"]
    *kept, last = _going_on(words, study_with(8), asked)
    assert kept == ["train.py", "-m", "x=1,2"]
    assert last == f"hydra.sweeper.n_trials={8 + asked}"


def test_a_sampler_is_made_before_or_after_a_late_import_but_not_meanwhile(tmp_path, monkeypatch):
    (tmp_path / "slow_module.py").write_text("import time\ntime.sleep(0.3)\ndone = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    late = LateImport("slow_module")
    make = late.before(lambda seed: getattr(sys.modules.get("slow_module"), "done", None))
    assert make(0) is None  # it has not begun
    late.begin()
    late.begin()
    assert make(0) is True
