"""A real search, then: a trial again bit for bit, and the best two anew with another loss."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SEARCH = [
    "-m", "data=flow_synthetic", "data.n=40", "data.dimensions=1", "data.pulses=64", "threads=1",
    "model.hidden=16", "trainer.max_epochs=3", "scheduler=none", "data.batch_size=choice(4,8)",
    "optimizer.lr=tag(log,interval(1e-4,1e-2))", "plots=false", "hydra.sweeper.n_trials=3",
    "trainer.accelerator=cpu", "hydra.sweeper.study_name=flow",
]  # fmt: skip

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("retrain")]


def execute(*command: str, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        [sys.executable, *command], cwd=cwd, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies") / "flow"
    cache = tmp_path_factory.mktemp("cache")
    execute("train.py", *SEARCH, f"hydra.sweep.dir={folder}", f"data.cache_dir={cache}")
    return folder


def metrics(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return found


@pytest.mark.parametrize("is_relative", [False, True])
def test_a_trial_is_made_again_bit_for_bit_from_its_folder_alone(
    study: Path, tmp_path: Path, is_relative: bool
) -> None:
    # the last of a process that has run others before it
    (trial,) = study.glob("*/*/2")
    moved = shutil.copytree(trial, tmp_path / "a trial, moved")
    config = os.path.relpath(moved / ".hydra", ROOT) if is_relative else str(moved / ".hydra")
    again = tmp_path / "again"
    execute(
        "train.py", "--config-path", config, "--config-name", "config", f"hydra.run.dir={again}"
    )
    ours, theirs = metrics(again), metrics(trial)
    assert ours.pop("test")  # which a search leaves alone
    assert ours == theirs
    assert (again / "config.yaml").is_file()


def test_the_folder_tells_where_it_comes_from(study: Path) -> None:
    (trial,) = study.glob("*/*/2")
    told = (trial / "provenance.yaml").read_text()
    for key in ("git_commit", "git_dirty", "host", "versions", "command", "threads", "seed"):
        assert f"\n{key}:" in f"\n{told}"
    assert "data_fingerprint: " in told


def test_the_best_two_with_another_loss(study: Path, tmp_path: Path) -> None:
    execute(
        *("-m", "trialsmith.cli", "retrain", str(study), "--top", "2", "seed=1", "loss=mae"),
        *("trainer.max_epochs=1", "--output", str(tmp_path / "anew")),
        cwd=tmp_path,
    )
    final = json.loads((tmp_path / "anew" / "final_results.json").read_text())
    config = json.loads((tmp_path / "anew" / "config.json").read_text())
    assert config["loss"]["_target_"].endswith("L1Loss")
    chosen = next(one for one in final["candidates"] if one["name"] == final["chosen"])
    assert config["optimizer"]["lr"] == chosen["params"]["optimizer.lr"]  # what was searched stays
    assert final["data"]["same_as_in_search"] is True
    assert len(final["test"]) == 6
    for one in final["candidates"]:
        # the test split of the other one was never looked at
        scored = "test" in metrics(tmp_path / "anew" / one["name"] / "seed-1")
        assert scored == (one is chosen)
