"""`python train.py` as a user runs it: what it leaves, and that it leaves the same again."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

ROOT = Path(__file__).resolve().parent.parent
SMALL = [
    "data.limit=40", "data.batch_size=16", "trainer.max_epochs=3", "threads=2",
    "model.alignn_layers=2", "model.gcn_layers=1", "model.hidden_features=32",
    "model.dropout=0.1", "fusion.middle.hidden_dim=16",
]  # fmt: skip


def train(folder: Path, *overrides: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "train.py", *SMALL, f"hydra.run.dir={folder}", *overrides]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    done = train(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_a_run_leaves_what_is_promised(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert names >= {
        ".hydra", "config.yaml", "provenance.yaml", "train.log", "metrics.json", "history.csv",
        "predictions.csv", "y_pred.npy", "y_true.npy", "checkpoints", "tensorboard",
        "learning_curves.png", "evaluation_plots",
    }  # fmt: skip
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"best.ckpt", "last.ckpt"}


@pytest.mark.slow
def test_metrics_history_and_predictions_agree(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    history = pd.read_csv(run / "history.csv")
    (target,) = metrics["units"]
    assert metrics["units"][target] == "eV/atom"
    # the score is the best epoch's, and the predictions are made with that epoch's weights
    assert metrics["best"] == pytest.approx(history["val/mae"].min())
    assert metrics["best_epoch"] == history["epoch"][history["val/mae"].idxmin()]
    assert metrics["val"][target]["mae"] == pytest.approx(metrics["best"], rel=1e-4)
    true, predicted = np.load(run / "y_true.npy"), np.load(run / "y_pred.npy")
    assert np.abs(true - predicted).mean() == pytest.approx(metrics["test"][target]["mae"])
    table = pd.read_csv(run / "predictions.csv")
    assert set(table["split"]) == {"val", "test"}
    assert not table["id"].duplicated().any()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_numbers_bit_for_bit(run: Path, tmp_path: Path) -> None:
    assert train(tmp_path).returncode == 0
    for name in ("metrics.json", "predictions.csv"):
        assert (tmp_path / name).read_bytes() == (run / name).read_bytes()
    columns = ["train/loss", "val/loss", "val/mae"]
    ours, theirs = (pd.read_csv(p / "history.csv")[columns] for p in (tmp_path, run))
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


@pytest.mark.slow
def test_a_run_can_be_made_again_from_its_folder_alone(run: Path, tmp_path: Path) -> None:
    command = [
        *(sys.executable, "train.py", "--config-path", str(run / ".hydra")),
        *("--config-name", "config", f"hydra.run.dir={tmp_path}"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "metrics.json").read_bytes() == (run / "metrics.json").read_bytes()


@pytest.mark.slow
def test_another_seed_gives_other_numbers(run: Path, tmp_path: Path) -> None:
    assert train(tmp_path, "seed=1").returncode == 0
    ours, theirs = (json.loads((p / "metrics.json").read_text()) for p in (tmp_path, run))
    assert ours["best"] != theirs["best"]


@pytest.mark.slow
def test_tensorboard_shows_the_hyperparameters_with_the_score(run: Path) -> None:
    events = EventAccumulator(str(run / "tensorboard")).Reload()
    assert "_hparams_/session_start_info" in events.summary_metadata
    best = [event.value for event in events.Scalars("best/val/mae")]
    assert best == sorted(best, reverse=True)
    assert best[-1] == pytest.approx(json.loads((run / "metrics.json").read_text())["best"])


@pytest.mark.slow
def test_config_yaml_is_resolved(run: Path) -> None:
    assert "${" not in (run / "config.yaml").read_text()
    assert yaml.safe_load((run / "config.yaml").read_text())["data"]["batch_size"] == 16


def test_help_names_the_groups_and_the_commands() -> None:
    done = subprocess.run(
        [sys.executable, "train.py", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    for word in ("hparams_search=alignn_fusion", "fusion: ", "optimizer: "):
        assert word in done.stdout


MISTAKES = {
    "data=crystals": "data.path must be given: add data.path=",
    "text=transformer": "text.path must be given: add text.path=",
    "fusion.middle.num_heads=3": "must divide fusion.middle.hidden_dim",
    "fusion.middle.layers=[1.7]": "must be different layers counted from 1",
    "fusion.middle.layers=7": "names a layer that the model lacks",
    "monitor=val/auc": "choose one of: val/loss, val/mae",
    "trainer.max_epochs=0": "trainer.max_epochs=0",
    "+model.hiden_features=3": "model (ALIGNN) takes no hiden_features",
}
# Runs of train.py one after the other in one process, whose imports take as long as ten of them.
ONE_AFTER_THE_OTHER = """
import runpy, sys
from hydra.core.global_hydra import GlobalHydra

words, *overrides = (line.split() for line in sys.stdin.read().splitlines())
for override in overrides:
    GlobalHydra.instance().clear()
    sys.argv = ["train.py", *words, *override]
    print("answer to", *override, file=sys.stderr, flush=True)
    try:
        runpy.run_path("train.py", run_name="__main__")
    except SystemExit as end:
        said = [] if isinstance(end.code, int) else [end.code]  # why, which means exit code 1
        print(*said, "exit code", 1 if said else end.code, file=sys.stderr, flush=True)
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What train.py says to each mistake, on both streams."""
    words = [*SMALL, f"hydra.run.dir={tmp_path_factory.mktemp('mistaken')}"]
    command, lines = [sys.executable, "-c", ONE_AFTER_THE_OTHER], [" ".join(words), *MISTAKES]
    done = subprocess.run(
        command, input="\n".join(lines), cwd=ROOT, text=True, timeout=400,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    _, *parts = done.stdout.split("answer to ")
    assert len(parts) == len(MISTAKES), done.stdout
    return dict(part.split("\n", 1) for part in parts)


@pytest.mark.slow
@pytest.mark.parametrize("override", MISTAKES)
def test_a_mistake_is_answered_without_a_traceback(answers: dict[str, str], override: str) -> None:
    assert MISTAKES[override] in answers[override]
    assert "Traceback" not in answers[override]
    assert answers[override].endswith(" exit code 1\n")
