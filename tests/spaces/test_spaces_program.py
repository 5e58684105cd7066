"""A search file fits the program it is for: its groups, a bridge to its keys, tuning settings."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from typer.testing import CliRunner

from trialsmith import yaml12
from trialsmith.cli import app
from trialsmith.errors import SearchError
from trialsmith.spaces.converting import Inputs, write_search_file
from trialsmith.spaces.tuning import read_tuning

OURS = {
    "conf/train.yaml": "defaults: []\nseed: 0\n",
    "conf/model/cnn.yaml": "hidden: 1\n",
    "conf/loss/mse.yaml": "{}",
    "conf/loss/mae.yaml": "{}",
    "conf/hparams_search/other.yaml": "{}",
    "base.yaml": "model: cnn\nloss: mse\noptimizer: {lr: 1e-3}\n",
    "space.yaml": "loss: [mse, mae]\noptimizer: {lr: {type: tuple, value: [1e-4, 1e-2, true]}}\n",
}
BRIDGE = """
monitor: {maximize: val/f1, minimize: val/loss}
choose: {model: theirs}
config:
  seed: !reference start
  optimizer_rate: {lr: !reference optimizer.lr}
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def written(name: str, text: str) -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip())
        return path

    for name, text in OURS.items():
        written(name, text)
    return written


def converted(**inputs: Any) -> Any:
    files = {"space": Path("space.yaml"), "base": Path("base.yaml"), **inputs}
    out = Path("conf/hparams_search/mine.yaml")
    told = write_search_file(Inputs(**files), out, force=True)
    return OmegaConf.load(out), "\n".join(told)


def test_a_name_of_a_config_chooses_it_and_a_whole_group_can_be_searched(write: Any) -> None:
    config, told = converted()
    assert config.defaults == [{"override /model": "cnn"}, {"override /loss": "mse"}]
    assert config.hydra.sweeper.params.loss == {"choices": ["mse", "mae"]}
    assert "model" not in config
    assert "no part of the configuration beside it: optimizer" in told


def test_a_name_that_is_no_config_of_its_group_is_refused(write: Any) -> None:
    write("base.yaml", "model: ccn\nloss: mse\noptimizer: {lr: 1e-3}\n")
    write("space.yaml", "loss: [mse, mea]\noptimizer: {lr: {type: tuple, value: [2, 1, 1]}}\n")
    with pytest.raises(SearchError) as error:
        converted()
    assert "3 mistakes" in str(error.value)
    assert "model=ccn is not a config of its group: did you mean cnn" in str(error.value)
    assert "loss=mea is not a config of its group: did you mean mse or mae" in str(error.value)


def test_a_bridge_lets_keys_of_ours_follow_theirs(write: Any) -> None:
    write("base.yaml", "start: 7\noptimizer: {lr: 1e-3, unused: 1}\n")
    write("space.yaml", "optimizer: {lr: [1e-3, 1e-2]}")
    config, _ = converted(bridge=write("bridge.yaml", BRIDGE))
    assert config.seed == 7
    assert config.optimizer_rate.lr == 1e-3
    assert list(config.hydra.sweeper.params) == ["optimizer.lr"]
    assert (config.monitor, config.direction) == ("val/f1", "maximize")
    assert config.defaults == [{"override /model": "theirs"}]
    text = Path("conf/hparams_search/mine.yaml").read_text()
    assert "read by nothing of ours: optimizer.unused." in text


def test_what_the_settings_lack_is_left_out_of_a_built_in_bridge(write: Any) -> None:
    layers = "model: {gcn_net: [{out_dim: 8}]}"
    write("base.yaml", f"{layers}\ntraining: {{num_epochs: 1, split: 0.8}}\n")
    write("space.yaml", "training: {num_epochs: [1, 2]}")
    config, _ = converted()
    assert config.trainer.max_epochs == 1
    assert "optimizer" not in config
    assert list(config.data) == ["target"]  # two of three fractions would be none


@pytest.mark.parametrize(
    ("bridge", "why"),
    [
        ("config: {seed: !reference strat}", "seed follows strat, which does not exist: did you m"),
        ("config: {start: 3}", "start is among the settings, too"),
        ("config: {optimizer: {lr: {x: 1}}}", "optimizer.lr.x is among the settings, too"),
        ("conifg: {}", "conifg is none of known_by"),
        ("choose: 3", "choose must be a mapping"),
        ("monitor: {maximize: val/f1}", "monitor has none for the direction minimize"),
    ],
)
def test_a_wrong_bridge_is_refused(write: Any, bridge: str, why: str) -> None:
    write("base.yaml", "start: 7\noptimizer: {lr: 1e-3}\n")
    write("space.yaml", "optimizer: {lr: [1e-3, 1e-2]}")
    tuning = write("tuning.yaml", "direction: minimize")
    with pytest.raises(SearchError, match=why):
        converted(bridge=write("bridge.yaml", bridge), tuning=tuning)


TUNING = """
tune_model: false
tune_optimizer: true
base_settings_path: base.yaml
search_space_path: space.yaml
study_name: theirs
storage: experiments/results.log
direction: maximize
n_trials: 20
timeout: 600
n_jobs: 1
n_processes: 4
n_iterations: 8
best_trial_path: best_trial.yaml
"""


def test_tuning_settings_say_files_parts_and_the_search(write: Any) -> None:
    config, _ = converted(space=None, base=None, tuning=write("tuning.yaml", TUNING))
    sweeper = OmegaConf.to_container(config.hydra.sweeper)
    assert isinstance(sweeper, dict)
    assert list(sweeper.pop("params")) == ["optimizer.lr"]
    assert sweeper == {
        "study_name": "theirs",
        "storage": "journal://experiments/results.log",
        "direction": "maximize",
        "timeout": 600,
        "n_trials": 160,
        "n_jobs": 4,
    }


def test_all_that_is_wrong_with_tuning_settings_is_named(write: Any) -> None:
    file = write("tuning.yaml", "n_trails: 3\nn_jobs: 0\ntune_model: yes please\n")
    with pytest.raises(SearchError, match="3 mistakes") as error:
        read_tuning(file)
    assert "tuning.yaml:1: n_trails is unknown: did you mean n_trials" in str(error.value)
    assert "tuning.yaml:2: n_jobs: 0 must be a whole number from 1 on" in str(error.value)
    assert "tuning.yaml:3: tune_model: yes please must be true or false" in str(error.value)
    with pytest.raises(SearchError, match="tunes no part"):
        read_tuning(write("tuning.yaml", "tune_model: false"))


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("direction: maximise", "direction: maximise must be minimize or maximize"),
        ("direction: [minimize]", "direction: [minimize] must be a text"),
        ("timeout: abc", "timeout: abc must be seconds"),
        ("timeout: -5", "timeout: -5 must be seconds"),
        ("timeout: true", "timeout: true must be seconds"),
        ("timeout: .inf", "timeout: .inf must be seconds"),
        ("n_trials: null", "n_trials: null must be a whole number from 1 on"),
    ],
)
def test_a_wrong_tuning_setting_is_named_with_its_line(write: Any, setting: str, why: str) -> None:
    with pytest.raises(SearchError) as error:
        read_tuning(write("tuning.yaml", f"n_jobs: 1\n{setting}\n"))
    assert f"tuning.yaml:2: {why}" in str(error.value)


def test_a_switch_of_no_part_is_named_with_its_line(write: Any) -> None:
    tuning = write("tuning.yaml", "tune_optimizer: true\ntune_modle: false\n")
    with pytest.raises(SearchError) as error:
        converted(tuning=tuning)
    wrong = "tuning.yaml:2: tune_modle: modle is no part of the settings: did you mean model?"
    assert wrong in str(error.value)


def test_no_limits_are_none(write: Any) -> None:
    text = "timeout: null\ndirection: null\nstorage: null\n"
    assert read_tuning(write("tuning.yaml", text)).sweeper == {}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("", "--space is missing"),
        ("--space space.yaml", "add --base FILE"),
        ("--space space.yaml --base base.yaml --tune modle", "modle: did you mean model"),
        ("--space space.yaml --base base.yaml --tune=,", "names no part of the settings: nothing"),
        ("--space missing.yaml --base base.yaml", "missing.yaml:1: cannot be read: No such file"),
        ("--space conf --base base.yaml", "conf:1: cannot be read: Is a directory"),
        ("--back nothing", "no study 'nothing'"),
    ],
)
def test_the_command_says_what_is_wrong(write: Any, arguments: str, why: str) -> None:
    out = "conf/hparams_search/mine.yaml"
    result = CliRunner().invoke(app, ["convert", *arguments.split(), "--out", out])
    assert result.exit_code == 1
    assert why in result.output
    assert not Path(out).exists()


def test_what_the_command_makes_is_yaml_to_every_reader(write: Any) -> None:
    out = Path("new/folder/mine.yaml")
    arguments = f"--space space.yaml --base base.yaml --out {out}"
    result = CliRunner().invoke(app, ["convert", *arguments.split()])
    assert result.exit_code == 0, result.output
    assert "it is found when it stands in conf/hparams_search/" in result.output
    assert yaml12.load(out.read_text()) == OmegaConf.to_container(OmegaConf.load(out))
