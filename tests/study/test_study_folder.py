"""A study's folder: whole files at every moment, and never the end of a search."""

import csv
import json
import logging
import os
import threading
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
import yaml
from study_examples import begin, search

from trialsmith.study.folder import StudyFolder
from trialsmith.study.table import STATES, StudyTable

ALWAYS = {
    "report.html",
    "all_trials.csv",
    "study_summary.json",
    "optimization_results.yaml",
    "optimization_history.html",
    "param_importances.html",
    "parallel_coordinate.html",
    "plotly.min.js",
}
OF_ONE_BEST = {"best_params.json", "best_trial_info.yaml"}


def names(folder: Path) -> set[str]:
    """What the folder holds besides the study itself and its trials."""
    return {path.name for path in folder.iterdir()} - {"study.journal", "2025-11-21"}


def valid_json(path: Path) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(path.read_text(), parse_constant=refuse)


@pytest.fixture
def folder(conditional: optuna.Study, tmp_path: Path) -> Path:
    return tmp_path / "multirun" / "conditional"


def test_every_file_tells_of_the_same_best_trial(conditional: optuna.Study, folder: Path) -> None:
    StudyFolder(folder).update(conditional)
    best = conditional.best_trial
    assert names(folder) == ALWAYS | OF_ONE_BEST | {"best"}
    assert valid_json(folder / "best_params.json") == best.user_attrs["params"]
    info = yaml.safe_load((folder / "best_trial_info.yaml").read_text())
    assert (info["number"], info["value"]) == (best.number, best.value)
    assert os.readlink(folder / "best") == best.user_attrs["folder"]
    results = yaml.safe_load((folder / "optimization_results.yaml").read_text())
    assert results == {
        "name": "optuna",
        "best_params": best.user_attrs["params"],
        "best_value": best.value,
    }
    summary = valid_json(folder / "study_summary.json")
    assert summary["best_trial"]["number"] == best.number
    assert [trial["number"] for trial in summary["trials"]] == list(range(40))


def test_a_trial_that_ended_is_told_in_its_own_folder(
    conditional: optuna.Study, folder: Path
) -> None:
    gone = conditional.trials[0]
    for trial in conditional.trials[1:]:
        (folder / trial.user_attrs["folder"]).mkdir(parents=True)
    StudyFolder(folder).update(conditional)
    for trial in conditional.trials[1:]:
        text = (folder / trial.user_attrs["folder"] / "trial_info.yaml").read_text()
        info = yaml.safe_load(text)
        assert (info["number"], info["params"]) == (trial.number, trial.user_attrs["params"])
        assert info["state"] == STATES[trial.state]
    assert not (folder / gone.user_attrs["folder"]).exists(), "a deleted folder came back"


def test_all_trials_loads_with_its_columns_intact(conditional: optuna.Study, folder: Path) -> None:
    StudyFolder(folder).update(conditional)
    read = pd.read_csv(folder / "all_trials.csv")
    trials = conditional.trials
    assert read["number"].tolist() == list(range(len(trials)))
    assert read["optimizer.lr"].tolist() == [trial.params["optimizer.lr"] for trial in trials]
    assert [v for v in read["value"] if v == v] == [t.value for t in trials if t.value is not None]
    layers = [trial.user_attrs["params"].get("fusion.middle.layers") for trial in trials]
    with (folder / "all_trials.csv").open(newline="") as file:
        cells = [row["fusion.middle.layers"] for row in csv.DictReader(file)]
    assert cells == [layer or "" for layer in layers]


def test_names_that_meet_stay_apart(tmp_path: Path) -> None:
    study = begin(tmp_path / "names")
    trial = study.ask()
    trial.suggest_int("seed", 7, 7)
    trial.suggest_int("state", 8, 8)
    trial.set_user_attr("seed", 3)
    trial.set_user_attr("metrics", {"val/mae": 0.5})
    study.tell(trial, 1.0)
    StudyFolder(tmp_path / "names").update(study)
    (row,) = pd.read_csv(tmp_path / "names" / "all_trials.csv").to_dict("records")
    assert (row["seed"], row["attribute.seed"]) == (7, 3)
    assert (row["state"], row["params.state"]) == ("complete", 8)
    assert row["metrics.val/mae"] == 0.5


@pytest.mark.parametrize("trials", [0, 3])
def test_without_a_complete_trial_there_is_no_best(trials: int, tmp_path: Path) -> None:
    study = begin(tmp_path / "failed")
    search(study, trials, fails=lambda k: True)
    StudyFolder(tmp_path / "failed").update(study)
    assert names(tmp_path / "failed") == ALWAYS
    assert valid_json(tmp_path / "failed" / "study_summary.json")["failures"] == (
        {"diverged": trials} if trials else {}
    )
    assert len(pd.read_csv(tmp_path / "failed" / "all_trials.csv")) == trials


def test_several_objectives_leave_solutions(tmp_path: Path) -> None:
    study = begin(tmp_path / "pareto", ["minimize", "maximize"])
    search(study, 20)
    StudyFolder(tmp_path / "pareto").update(study)
    assert names(tmp_path / "pareto") == ALWAYS
    results = yaml.safe_load((tmp_path / "pareto" / "optimization_results.yaml").read_text())
    assert {tuple(solution["values"]) for solution in results["solutions"]} == {
        tuple(trial.values) for trial in study.best_trials
    }
    front = valid_json(tmp_path / "pareto" / "study_summary.json")["pareto_front"]
    assert front == sorted(trial.number for trial in study.best_trials)


def test_infinite_values_stay_valid_json(tmp_path: Path) -> None:
    study = begin(tmp_path / "infinite")
    trial = study.ask()
    trial.set_user_attr("params", {"limit": float("inf")})
    study.tell(trial, float("-inf"))
    StudyFolder(tmp_path / "infinite").update(study)
    assert valid_json(tmp_path / "infinite" / "best_params.json") == {"limit": "Infinity"}
    assert valid_json(tmp_path / "infinite" / "study_summary.json")["trials"][0]["value"] == (
        "-Infinity"
    )


def test_the_best_follows_the_study(tmp_path: Path) -> None:
    study, folder = begin(tmp_path / "s"), StudyFolder(tmp_path / "s")
    for k, value in enumerate([3.0, 5.0, 1.0]):
        trial = study.ask()
        trial.set_user_attr("folder", f"day/time/{k}")
        config = tmp_path / "s" / "day" / "time" / str(k) / ".hydra" / "config.yaml"
        config.parent.mkdir(parents=True)
        config.write_text(f"number: {k}\n")
        study.tell(trial, value)
        folder.update(study)
        best = study.best_trial.number
        assert (
            tmp_path / "s" / "best" / ".hydra" / "config.yaml"
        ).read_text() == f"number: {best}\n"
        config = yaml.safe_load((tmp_path / "s" / "best_config.yaml").read_text())
        assert config == {"number": best}


def test_a_reader_never_meets_a_partial_file(conditional: optuna.Study, folder: Path) -> None:
    """One thread reads without pause while the files are written again and again."""
    study_folder = StudyFolder(folder)
    study_folder.update(conditional)
    stop, wrong, reads = threading.Event(), [], []

    def read() -> None:
        while not stop.is_set():
            for name in ("study_summary.json", "all_trials.csv", "optimization_history.html"):
                text = (folder / name).read_text()
                ending = {".json": "}\n", ".csv": '"\n', ".html": "</html>\n"}
                reads.append(name)
                if not text.endswith(ending[(folder / name).suffix]):
                    wrong.append(name)
            if not (folder / "best").is_symlink():
                wrong.append("best")

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(30):
        study_folder.update(conditional)
    stop.set()
    reader.join()
    assert reads
    assert not wrong
    assert not [path for path in folder.iterdir() if path.name.endswith(".tmp")]


def test_close_leaves_what_was_requested_last(conditional: optuna.Study, folder: Path) -> None:
    with StudyFolder(folder) as study_folder:
        for _ in range(20):
            study_folder.request_update(conditional)
        search(conditional, 3)
        study_folder.request_update(conditional)
    assert len(pd.read_csv(folder / "all_trials.csv")) == 43


def test_requests_become_one_while_files_are_written(
    conditional: optuna.Study, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, updates = threading.Event(), threading.Event(), []
    update = StudyFolder.update

    def slow(self: StudyFolder, study: optuna.Study) -> StudyTable:
        updates.append(study)
        begun.set()
        assert go_on.wait(20)
        return update(self, study)

    monkeypatch.setattr(StudyFolder, "update", slow)
    with StudyFolder(folder) as study_folder:
        study_folder.request_update(conditional)
        assert begun.wait(20)
        for _ in range(100):
            study_folder.request_update(conditional)
        go_on.set()
    assert len(updates) == 2


def test_a_folder_that_cannot_be_written_is_one_warning(
    conditional: optuna.Study, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")  # root may write anywhere, but not under a file
    with caplog.at_level(logging.WARNING), StudyFolder(tmp_path / "file" / "study") as folder:
        for _ in range(3):
            folder._try_update(conditional)
        folder.request_update(conditional)
    assert len(caplog.records) == 1
    assert "trialsmith report" in caplog.text


def test_closing_an_unused_folder_writes_nothing(tmp_path: Path) -> None:
    StudyFolder(tmp_path / "unused").close()
    assert not (tmp_path / "unused").exists()
