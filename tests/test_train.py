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

pytestmark = pytest.mark.xdist_group("run")

ROOT = Path(__file__).resolve().parent.parent
SMALL = [
    "data.limit=40", "data.batch_size=16", "trainer.max_epochs=3", "threads=2",
    "model.alignn_layers=2", "model.gcn_layers=1", "model.hidden_features=32",
    "model.dropout=0.1", "fusion.middle.hidden_dim=16",
]  # fmt: skip


# Runs of train.py one after the other in one process, whose imports take as long as ten of them.
ONE_AFTER_THE_OTHER = """
import json, runpy, sys
from hydra.core.global_hydra import GlobalHydra

for words in json.loads(sys.argv[1]):
    GlobalHydra.instance().clear()
    sys.argv = ["train.py", *words]
    print("train.py says", file=sys.stderr, flush=True)
    try:
        runpy.run_path("train.py", run_name="__main__")
    except SystemExit as end:
        said = [] if isinstance(end.code, int) else [end.code]  # why, which means exit code 1
        print(*said, "exit code", 1 if said else end.code, file=sys.stderr, flush=True)
"""


def train(*runs: list[str]) -> list[str]:
    """What each run says, on both streams."""
    command = [sys.executable, "-c", ONE_AFTER_THE_OTHER, json.dumps(runs)]
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, cwd=ROOT, text=True, timeout=400, **both)
    _, *parts = done.stdout.split("train.py says\n")
    assert len(parts) == len(runs), done.stdout
    return parts


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    command = [sys.executable, "train.py", *SMALL, f"hydra.run.dir={folder}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def others(run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Further runs, all in another process than the first one."""
    folders = {name: tmp_path_factory.mktemp("run") for name in ("other seed", "again", "folder")}
    own = ["--config-path", str(run / ".hydra"), "--config-name", "config"]
    words = {"other seed": [*SMALL, "seed=1"], "again": SMALL, "folder": own}
    said = train(*([*words[name], f"hydra.run.dir={path}"] for name, path in folders.items()))
    for path, text in zip(folders.values(), said, strict=True):
        assert (path / "metrics.json").exists(), text
    return folders


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
def test_the_precision_that_was_chosen_is_recorded(run: Path) -> None:
    record = yaml.safe_load((run / "provenance.yaml").read_text())
    assert record["matmul_precision"] in {"highest", "high"}


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
def test_the_same_seed_gives_the_same_numbers_bit_for_bit(
    run: Path, others: dict[str, Path]
) -> None:
    """Also in a process that has trained another model before."""
    again = others["again"]
    for name in ("metrics.json", "predictions.csv"):
        assert (again / name).read_bytes() == (run / name).read_bytes()
    columns = ["train/loss", "val/loss", "val/mae"]
    ours, theirs = (pd.read_csv(p / "history.csv")[columns] for p in (again, run))
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


@pytest.mark.slow
def test_a_run_can_be_made_again_from_its_folder_alone(run: Path, others: dict[str, Path]) -> None:
    ours, theirs = (path / "metrics.json" for path in (others["folder"], run))
    assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.slow
def test_another_seed_gives_other_numbers(run: Path, others: dict[str, Path]) -> None:
    folders = others["other seed"], run
    ours, theirs = (json.loads((path / "metrics.json").read_text()) for path in folders)
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


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What train.py says to each mistake."""
    words = [*SMALL, f"hydra.run.dir={tmp_path_factory.mktemp('mistaken')}"]
    said = train(*([*words, *mistake.split()] for mistake in MISTAKES))
    return dict(zip(MISTAKES, said, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("override", MISTAKES)
def test_a_mistake_is_answered_without_a_traceback(answers: dict[str, str], override: str) -> None:
    assert MISTAKES[override] in answers[override]
    assert "Traceback" not in answers[override]
    assert answers[override].endswith(" exit code 1\n")
