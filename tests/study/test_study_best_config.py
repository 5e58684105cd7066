"""`best_config.yaml` runs as it is, in a real Hydra application."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import optuna
import pytest
from study_examples import begin

from trialsmith.study.folder import StudyFolder

APP = """
import json, hydra
from omegaconf import OmegaConf

@hydra.main(config_path="conf", config_name="train", execution_whitelist=())
def main(cfg):
    print("RESULT" + json.dumps(OmegaConf.to_container(cfg, resolve=True)))
    return 1.0

main()
"""

TRAIN = """
defaults:
  - model: small
  - override hydra/job_logging: none
  - _self_
seed: 0
number_like: "1e-4"
odd: ["2,3", null, "null", "yes", 1e-4, "a: b # c", "${seed}"]
heads: ${model.heads}
folder: ${hydra:runtime.output_dir}
hydra:
  run: {dir: "runs/${now:%H-%M-%S-%f}"}
  sweep: {dir: multirun/study, subdir: "day/time/${hydra.job.num}"}
"""


def results(app: Path, *arguments: str) -> list[dict[str, Any]]:
    """What the application's jobs were given, less the folder, which must lie where it says."""
    command = [sys.executable, "train.py", *arguments]
    done = subprocess.run(command, cwd=app, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = []
    for line in done.stdout.splitlines():
        if line.startswith("RESULT"):
            config = json.loads(line.removeprefix("RESULT"))
            assert Path(config.pop("folder")).is_dir()
            found.append(config)
    return found


@pytest.mark.slow
def test_it_composes_to_the_best_trial_s_config(tmp_path: Path) -> None:
    (tmp_path / "conf" / "model").mkdir(parents=True)
    (tmp_path / "train.py").write_text(APP)
    (tmp_path / "conf" / "train.yaml").write_text(TRAIN)
    for name, heads in [("small", 2), ("big", 4)]:
        (tmp_path / "conf" / "model" / f"{name}.yaml").write_text(f"heads: {heads}\n")
    trials = results(tmp_path, "-m", "model=small,big", "seed=1,2", "+path='a=b, c'")
    folder = tmp_path / "multirun" / "study"
    study = begin(folder)
    for k in range(4):
        trial = study.ask()
        trial.set_user_attr("folder", f"day/time/{k}")
        study.tell(trial, float(abs(k - 2)))
    StudyFolder(folder).update(study)

    best = ("--config-path", "multirun/study", "--config-name", "best_config")
    assert results(tmp_path, *best) == [trials[2]]
    assert trials[2]["path"] == "a=b, c"
    # interpolations still follow what the command line changes
    (changed,) = results(tmp_path, *best, "model.heads=8")
    assert changed["heads"] == 8
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_a_trial_without_a_config_leaves_none(conditional: optuna.Study, tmp_path: Path) -> None:
    folder = tmp_path / "multirun" / "conditional"
    (folder / "best_config.yaml").write_text("of another trial\n")
    StudyFolder(folder).update(conditional)
    assert not (folder / "best_config.yaml").exists()
