"""`trialsmith predict` as a user runs it, and ensembles."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
from ase.build import bulk
from ase.io import write
from optuna.trial import create_trial
from typer.testing import CliRunner

import trialsmith
from trialsmith.cli import app
from trialsmith.data import Target
from trialsmith.data.problem import Problem
from trialsmith.errors import SearchError
from trialsmith.prediction.predicted import Predicted
from trialsmith.prediction.writing import Table, opened, write_skipped
from trialsmith.search.storage import open_storage, storage_url

pytestmark = pytest.mark.xdist_group("crystal run")

run = CliRunner()


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "inputs"
    folder.mkdir()
    for name in ("Cu", "Ag", "Al"):
        write(folder / f"{name}.cif", bulk(name))
    (folder / "bad.cif").write_text("no crystal")
    return folder


@pytest.fixture
def twin(crystal_run: Path, tmp_path: Path) -> Path:
    """The same model with its output shifted by one unit."""
    import torch

    twin = shutil.copytree(crystal_run, tmp_path / "twin")
    path = twin / "checkpoints" / "best.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["state_dict"]["readout.mean"] += 1
    torch.save(checkpoint, path)
    return twin


def test_the_table_has_units_and_the_rest_is_listed(
    crystal_run: Path, inputs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "out.csv"
    done = run.invoke(app, ["predict", str(crystal_run), str(inputs), "--out", str(out)])
    assert done.exit_code == 3, done.output
    table = pd.read_csv(out)
    assert table["id"].tolist() == ["Ag.cif", "Al.cif", "Cu.cif"]
    assert set(table["gap_eV_unit"]) == {"eV"}
    assert pd.read_csv(tmp_path / "new/out.skipped.csv")["id"].tolist() == ["bad.cif"]
    assert "3 predicted in" in done.stderr
    assert "bad.cif" in done.stderr
    (inputs / "bad.cif").unlink()
    done = run.invoke(app, ["predict", str(crystal_run), str(inputs), "--out", str(out)])
    assert done.exit_code == 0
    assert not (tmp_path / "new/out.skipped.csv").exists()


def test_what_a_spreadsheet_would_run_is_guarded(tmp_path: Path) -> None:
    targets = (Target("class", classes=("@cat", "dog")),)
    values = np.eye(2, dtype=np.float32)
    found = Predicted(["=HYPERLINK(1)", "b"], ["+in.csv:1", ""], values, None, targets)
    out = tmp_path / "out.csv"
    with opened(out) as file:
        table = Table(file, targets, several=False, models=[])
        table.begin()
        table.add(found)
    with out.open(newline="") as file:
        _, first, second = csv.reader(file)
    assert first[:3] == ["'=HYPERLINK(1)", "'+in.csv:1", "'@cat"]
    assert second[:3] == ["b", "", "dog"]
    skipped = write_skipped(out, [Problem("in.csv:3", "=1+1", "-no crystal")])
    assert skipped is not None
    with skipped.open(newline="") as file:
        assert list(csv.reader(file))[1] == ["in.csv:3", "'=1+1", "'-no crystal"]


def test_an_ensemble_has_mean_and_spread(
    crystal_run: Path, twin: Path, inputs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.json"
    arguments = ["predict", str(crystal_run), str(inputs), "--out", str(out), "--ensemble"]
    done = run.invoke(app, [*arguments, str(twin), "--batch-size", "2"])
    assert done.exit_code == 3, done.output
    found = json.loads(out.read_text())
    alone = trialsmith.load(crystal_run, device="cpu").predict(inputs, on_error="skip")
    for k, row in enumerate(found["predictions"]):
        assert row["values"]["gap_eV"] == pytest.approx(alone.values[k, 0] + 0.5, abs=1e-5)
        assert row["spread"]["gap_eV"] == pytest.approx(np.sqrt(0.5), abs=1e-5)
    assert len(found["models"]) == 2
    assert [problem["id"] for problem in found["skipped"]] == ["bad.cif"]


def test_a_retraining_is_the_ensemble_of_its_seeds(
    crystal_run: Path, twin: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "retrained"
    for name, run_folder in (("seed-0", crystal_run), ("seed-1", twin)):
        shutil.copytree(run_folder, folder / name)
    (folder / "retrain.json").write_text("{}")
    with pytest.raises(SearchError, match="is not finished"):
        trialsmith.load(folder)
    (folder / "final_results.json").write_text(json.dumps({"runs": ["seed-0", "seed-1"]}))
    found = trialsmith.load(folder, device="cpu").predict(bulk("Cu"))
    assert found.spread is not None
    assert found.spread[0, 0] == pytest.approx(np.sqrt(0.5), abs=1e-5)
    checkpoint = folder / "seed-0" / "checkpoints" / "best.ckpt"
    assert trialsmith.load(checkpoint, device="cpu").predict(bulk("Cu")).spread is None


def test_of_a_study_that_is_in_two_places_storage_says_which_is_meant(
    crystal_run: Path, inputs: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "twice"
    shutil.copytree(crystal_run, folder / "trained")
    for place, trial in (("journal", "gone"), ("sqlite", "trained")):
        storage = open_storage(storage_url(place, folder))
        best = create_trial(value=1.0, user_attrs={"folder": trial})
        optuna.create_study(study_name="twice", storage=storage).add_trial(best)
    arguments = ["predict", str(folder), str(inputs / "Cu.cif")]
    done = run.invoke(app, arguments)
    assert done.exit_code == 1
    assert "--storage journal" in done.stderr
    done = run.invoke(app, [*arguments, "--storage", "sqlite"])
    assert done.exit_code == 0, done.output
    assert "1 predicted" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["RUN", "bad.cif"], "0 predicted; 1 skipped"),
        (["RUN", "Cu.cif", "--out", "out.txt"], "must end in .csv or .json"),
        (["RUN", "table.csv", "--out", "table.csv"], "would be overwritten"),
        (["RUN", "Cu.cif", "--trial", "3"], "is no study"),
        (["nowhere", "Cu.cif"], "nowhere is the folder of no run, and no study 'nowhere'"),
    ],
)
def test_mistakes_are_told_in_a_line(
    crystal_run: Path,
    inputs: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(inputs)
    (inputs / "table.csv").write_text("id,cif\n")
    chosen = [str(crystal_run) if word == "RUN" else word for word in arguments]
    done = run.invoke(app, ["predict", *chosen])
    assert done.exit_code == 1, done.output
    assert words in done.stderr
    assert "Traceback" not in done.output
