"""What the last screen says of going on, and what is imported late."""

import os
import sys

import optuna
import pytest
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from hydra_plugins.trialsmith_sweeper._display import LateImport, _going_on
from hydra_plugins.trialsmith_sweeper._secrets import hide_credentials
from trialsmith.search.credentials import STORAGE


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


ADDRESS = "postgresql://me:S3cret@h/db"
SHOWN = "postgresql://h/db"


@pytest.mark.parametrize(
    ("word", "url", "left"),
    [
        (f"hydra.sweeper.storage={ADDRESS}", ADDRESS, []),
        (r"hydra.sweeper.storage=postgresql://me:S3cret\,1@h/db", None, []),
        (r"++hydra.sweeper.storage='postgresql://me:S3cret\'1@h/db'", None, []),
        (r"hydra.sweeper.storage='postgresql://h/db?user=me&password=S3\'cret'", None, []),
        (
            f"hydra.sweeper={{storage:'{ADDRESS}',n_trials:5}}",
            ADDRESS,
            [{"storage": SHOWN, "n_trials": 5}],
        ),
        (
            r"hydra={sweeper:{storage:'postgresql://me:S3cret\'1@h/db'},verbose:true}",
            None,
            [{"sweeper": {"storage": SHOWN}, "verbose": True}],
        ),
        ("hydra.sweeper.storage=${oc.env:ELSEWHERE}", ADDRESS, []),
        ("hydra.sweeper={storage:'${oc.env:ELSEWHERE}'}", ADDRESS, [{"storage": SHOWN}]),
    ],
)
def test_no_word_keeps_the_credentials_of_a_storage(word, url, left, monkeypatch):
    read = OverridesParser.create().parse_override
    monkeypatch.setenv(STORAGE, "")  # put back afterwards
    monkeypatch.setenv("ELSEWHERE", ADDRESS)
    value = read(word).value()
    while isinstance(value, dict):
        value = value.get("sweeper", value.get("storage"))
    url = url or value
    config, own = (
        OmegaConf.create({"hydra": {"sweeper": {"storage": url}, "overrides": {"hydra": [word]}}})
        for _ in range(2)
    )
    monkeypatch.setattr(HydraConfig, "get", lambda: own.hydra)
    monkeypatch.setattr(sys, "argv", ["train.py", "-m", word, "hydra.sweeper.n_trials=9"])
    hide_credentials(config)
    assert os.environ[STORAGE] == url
    again = _going_on(sys.argv, study_with(3), n_trials=9)
    for text in (*again, OmegaConf.to_yaml(config), OmegaConf.to_yaml(own)):
        assert "S3" not in text
        assert "me:" not in text
    *kept, last = map(read, config.hydra.overrides.hydra)
    assert [override.value() for override in kept] == left
    assert last.value() == config.hydra.sweeper.storage == SHOWN
    if "$" in word:  # which holds no secret, and finds the server wherever it is pasted
        assert again[2] == word
    else:
        assert read(again[2]).key_or_group == read(word).key_or_group
        assert read(again[2]).value() == (left or [SHOWN])[0]


def test_a_sampler_is_made_before_or_after_a_late_import_but_not_meanwhile(tmp_path, monkeypatch):
    (tmp_path / "slow_module.py").write_text("import time\ntime.sleep(0.3)\ndone = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    late = LateImport("slow_module")
    make = late.before(lambda seed: getattr(sys.modules.get("slow_module"), "done", None))
    assert make(0) is None  # it has not begun
    late.begin()
    late.begin()
    assert make(0) is True
