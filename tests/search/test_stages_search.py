"""Stages by the command line: each begins from the best of the one before, and goes on."""

import json
import shlex
import subprocess
import sys

import optuna
import pytest
from omegaconf import OmegaConf

from hydra_plugins.trialsmith_sweeper._stage import StagedSearch
from trialsmith.study.stages.commands import OWN

pytestmark = pytest.mark.slow

PROGRAM = """
import json
import os
import time
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf


class Data:
    def __init__(self, path=None, target=None):
        self.path = path

    def prepare_data(self):
        from trialsmith.errors import DataError

        if self.path == "broken.csv":
            raise DataError("broken.csv, line 3: the target is not a number")


@hydra.main(config_path="conf", config_name="config", execution_whitelist=("program.Data",))
def main(cfg):
    from hydra_plugins.trialsmith_sweeper import current_trial

    trial = current_trial()
    score = {"1": 0.3, "2": 0.1, "1,2": 0.2}[cfg.fusion.dynamic.layers] + (cfg.lr - 0.5) ** 2
    for epoch in range(2):
        time.sleep(cfg.pause)
        trial.report(score, epoch)
    folder = Path(HydraConfig.get().runtime.output_dir)
    (folder / "config.yaml").write_text(OmegaConf.to_yaml(cfg, resolve=True))
    (folder / "metrics.json").write_text(json.dumps({"test": {"y": {"mae": 2 * score}}}))
    return score


if __name__ == "__main__":
    main()
"""
CONFIG = """
defaults:
  - hparams_search: null
  - override hydra/sweeper: trialsmith
  - _self_
seed: 0
monitor: val/mae
lr: 0.4
pause: 0.0
fusion: {dynamic: {use: true, layers: "2"}}
data: {_target_: program.Data, path: null, target: null}
hydra:
  sweeper:
    prepare: data
  sweep:
    dir: multirun/${hydra.sweeper.study_name}
    subdir: ${now:%Y-%m-%d}/${now:%H-%M-%S}/${hydra.job.num}
"""
LAYERS = """
# @package _global_
defaults:
  - override /hydra/sweeper/sampler: grid
hydra:
  sweeper:
    n_trials: null
    stage: {_target_: trialsmith.study.stages.stage.Stage, then: tuning}
    params:
      fusion.dynamic.layers: {choices: ["1", "2", "1,2"]}
"""
TUNING = """
# @package _global_
hydra:
  sweeper:
    n_trials: 4
    sampler: {seed: 0}
    stage: {_target_: trialsmith.study.stages.stage.Stage, follows: layers, candidates: 2}
    params:
      lr: interval(0, 1)
"""


@pytest.fixture
def staged(app):
    (app.folder / "program.py").write_text(PROGRAM)
    (app.folder / "train.py").write_text(PROGRAM)
    files = {"config": CONFIG, "hparams_search/layers": LAYERS, "hparams_search/tuning": TUNING}
    (app.folder / "conf" / "stages").mkdir()
    files["stages/plan"] = "- layers\n- tuning\n"
    for name, text in files.items():
        (app.folder / "conf" / f"{name}.yaml").write_text(text.lstrip())
    return app


def stages(app, *overrides):
    """`trialsmith stages plan` in the background."""
    command = [sys.executable, "-m", "trialsmith.cli", "stages", "plan", *overrides]
    process = subprocess.Popen(
        command, cwd=app.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    app._started.append(process)
    return process


def finished(process):
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    return output


def test_a_killed_plan_goes_on_and_a_finished_one_only_prints(staged):
    process = stages(staged, "tuning:pause=1")
    staged.wait_until((staged.folder / "multirun" / "tuning" / "study.journal").exists, 180)
    staged.wait_for_running(1, "tuning")
    process.kill()
    process.wait()
    staged.wait_until(lambda: not staged.processes())
    assert staged.states("layers") == {"COMPLETE": 3}

    finished(stages(staged))
    output = finished(stages(staged))
    assert output.count("nothing to do") == 2
    assert staged.states("layers") == {"COMPLETE": 3}
    assert staged.states("tuning")["COMPLETE"] + staged.states("tuning").get("PRUNED", 0) == 4
    # the best two of the first stage and their values, letter by letter
    points = [trial.user_attrs["params"] for trial in staged.study("tuning").trials]
    assert {point["fusion.dynamic.layers"] for point in points} == {"2", "1,2"}
    for name in ("layers", "tuning"):
        files = {path.name for path in (staged.folder / "multirun" / name).iterdir()}
        assert {"results_summary.csv", "comparison.html", "plotly.min.js"} <= files


@pytest.mark.parametrize(
    ("override", "told"),
    [
        ("tuning:data.path=broken.csv", "broken.csv, line 3: the target is not a number"),
        ("tuning:lr=interval(1,0)", "lr"),
    ],
)
def test_what_stands_in_a_later_stages_way_is_told_before_the_first(staged, override, told):
    process = stages(staged, override)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert told in output
    assert "stage tuning could not begin" in output
    assert not (staged.folder / "multirun").exists()


def test_a_plans_stages_may_enqueue_what_they_inherit(staged):
    point = "tuning:hydra.sweeper.enqueue=[{fusion.dynamic.layers: '2', lr: 0.25}]"
    finished(stages(staged, point))
    assert staged.study("tuning").trials[0].user_attrs["params"]["lr"] == 0.25


def test_a_plans_passwords_are_not_kept_with_the_study(monkeypatch):
    word = "hydra.sweeper.storage=postgresql://me:hush@host/db"
    monkeypatch.setenv(OWN, json.dumps({"layers": [word]}))
    stage = {"_target_": "trialsmith.study.stages.stage.Stage"}
    config = OmegaConf.create({"hydra": {"sweeper": {"stage": stage, "study_name": None}}})
    study = optuna.create_study()
    StagedSearch(config, None, []).note(study, 4, None)
    assert "postgresql://host/db" in str(study.user_attrs)
    assert "hush" not in str(study.user_attrs)


def test_the_next_command_has_the_next_stages_own_overrides_and_not_the_last_ones(staged):
    three = TUNING.replace("follows: layers, candidates: 2", "follows: tuning")
    (staged.folder / "conf/hparams_search/third.yaml").write_text(three.lstrip())
    tuning = TUNING.replace("candidates: 2", "candidates: 2, then: third")
    (staged.folder / "conf/hparams_search/tuning.yaml").write_text(tuning.lstrip())
    (staged.folder / "conf/stages/plan.yaml").write_text("- layers\n- tuning\n- third\n")
    own = ("layers:pause=0.01", "tuning:hydra.sweeper.n_trials=2", "third:seed=7")
    output = finished(stages(staged, "data.target=x y", *own, "hydra.sweeper.study_name=my own"))
    lines = output.replace("my own", "my_own").splitlines()
    shown = [shlex.split(line) for line in lines if line.startswith("python train.py")]
    first, second = [
        line.removeprefix("Next stage ") for line in lines if line.startswith("Next stage")
    ]
    assert [shlex.split(first), shlex.split(second)] == shown[-2:]
    assert len(staged.study("my_own-third").trials) == 4
    # the second one pasted alone still knows the third's
    _, words = second.split(" -m ")  # each names the program that it is
    assert words in staged.search(*shlex.split(first)[3:])


def test_a_stage_names_the_one_it_wants_and_the_commands_work_when_pasted(staged):
    data = "data.path='a b, c.csv'"  # which names the study
    output = staged.search("hparams_search=tuning", data, code=1)
    (first,) = [line for line in output.splitlines() if line.startswith("  python")]
    assert "Run that first" in output

    def pasted(command):
        python, *words = shlex.split(command)
        done = subprocess.run(
            [sys.executable, *words], cwd=staged.folder, capture_output=True, text=True, timeout=120
        )
        assert python == "python"
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    output = pasted(first)
    (following,) = [line for line in output.splitlines() if line.startswith("Next stage")]
    assert "Best" in pasted(following.removeprefix("Next stage "))
    assert len(staged.study("tuning-a_b_c").trials) == 4
