"""`trialsmith retrain` around its trainings: what is trained, what is left, what goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import stdev
from typing import Any

import numpy as np
import pytest
from retrain_examples import example
from typer.testing import CliRunner

from trialsmith.callbacks import save_result
from trialsmith.cli import app
from trialsmith.data import Target
from trialsmith.result import Predictions
from trialsmith.study.retraining.ensemble import ensemble_errors

run = CliRunner()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that a user stands in: train.py, and `multirun/study`."""
    example(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def retrain(*words: str, code: int = 0) -> str:
    done = run.invoke(app, ["retrain", *words])
    assert done.exit_code == code, done.output
    return done.output


def folders(place: Path) -> list[Path]:
    return sorted(path.parent for path in place.glob("outputs/retrain/study/*/*/retrain.json"))


def results(folder: Path) -> dict[str, Any]:
    final: dict[str, Any] = json.loads((folder / "final_results.json").read_text())
    return final


def test_the_best_trial_is_trained_with_its_seed_and_the_test_split_scored(place: Path) -> None:
    retrain("study")
    (folder,) = folders(place)
    final = results(folder)
    assert (final["chosen"], final["seeds"]) == ("trial-2", [7])
    assert final["score"] == {"mean": pytest.approx(0.17), "std": None, "values": [0.17]}
    assert final["test"]["gap"]["mae"]["mean"] == pytest.approx(0.8)
    assert final["score_in_search"] == 0.1
    assert final["data"]["same_as_in_search"] is True
    for name in ("config.json", "training_history.json", "checkpoints/run.ckpt"):
        assert (folder / name).is_file()


def test_several_seeds_give_mean_spread_and_the_error_of_their_ensemble(place: Path) -> None:
    retrain("study", "seed=0,1,2,3", "trainer.max_epochs=500")
    (folder,) = folders(place)
    final = results(folder)
    assert final["val"]["gap"]["mae"]["mean"] == pytest.approx(0.115)
    assert final["val"]["gap"]["mae"]["std"] == pytest.approx(stdev([0.10, 0.11, 0.12, 0.13]))
    # each run errs by a half, two up and two down: their mean does not
    assert final["ensemble"]["gap"]["mae"] == 0
    assert json.loads((folder / "config.json").read_text())["seed"] == [0, 1, 2, 3]
    history = json.loads((folder / "training_history.json").read_text())
    assert history["seed-3"] == {"epoch": [1, 2], "val/mae": [0.5, None]}
    assert json.loads((folder / "config.json").read_text())["trainer.max_epochs"] == 500


def test_an_ensemble_of_classifiers_is_the_mean_of_their_probabilities(tmp_path: Path) -> None:
    sure = ([0.9, 0.3], [0.4, 0.4], [0.8, 0.2])  # of class 0, for two samples, by three runs
    places = [tmp_path / str(k) for k in range(len(sure))]
    for place, run in zip(places, sure, strict=True):
        place.mkdir()
        predicted = np.array([[p, 1 - p] for p in run], np.float32)
        result = Predictions(["a", "b"], predicted, np.array([0, 1]))
        save_result(place, {}, [Target("class", classes=("cat", "dog"))], {"test": result})
    # the second run errs on its own; (0.9 + 0.4 + 0.8) / 3 is above a half
    assert ensemble_errors(places[1:2], {"class": ""}) is None
    assert ensemble_errors(places, {"class": ""}) == {"class": {"accuracy": 1.0, "f1": 1.0}}


@pytest.mark.parametrize("seeds", ["seed=range(1,3)", "seed=1,2", "seed=choice(1,2)"])
def test_seeds_in_any_of_hydra_s_ways(place: Path, seeds: str) -> None:
    retrain("study", seeds)
    assert results(folders(place)[0])["seeds"] == [1, 2]


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["study", "optimizer.lr=1,2"], "only seed can have several values"),
        (["study", "seed=0.5"], "seeds are whole numbers"),
        (["study", "hydra.run.dir=x"], "--output"),
        (["study", "--trial", "9"], "has no trial 9; it has trials 0 to 3"),
        (["study", "--top", "0"], "give 1 or more"),
        (["stdy"], "did you mean study?"),
        (["study", "a=[1"], "a=[1"),
        (["multirun/study/study.journal"], "cannot be read"),
    ],
)
def test_mistakes_are_told_before_anything_is_trained(
    place: Path, words: list[str], answer: str
) -> None:
    assert answer in retrain(*words, code=1)
    assert not (place / "outputs").exists()


def test_nothing_is_ever_overwritten(place: Path) -> None:
    retrain("study")
    retrain("study")
    assert len(folders(place)) == 2
    retrain("study", "--output", "mine")
    assert "finished" in retrain("study", "--output", "mine", code=1)
    (place / "full").mkdir()
    (place / "full" / "file").touch()
    assert "not empty" in retrain("study", "--output", "full", code=1)


def test_validation_chooses_among_several_before_test_is_looked_at(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trialsmith.study.retraining import scoring

    looked: list[str] = []

    def score_test(folder: Path) -> dict[str, Any]:
        looked.append(f"{folder.parent.name}/{folder.name}")
        metrics = json.loads((folder / "metrics.json").read_text())
        assert "test" not in metrics
        return {**metrics, "test": {"gap": {"mae": 1.0}}}

    monkeypatch.setattr(scoring, "score_test", score_test)
    retrain("study", "--top", "3", "seed=0,1")
    (folder,) = folders(place)
    final = results(folder)
    assert [one["name"] for one in final["candidates"]] == ["trial-2", "trial-3", "trial-1"]
    assert final["runs"] == looked == ["trial-2/seed-0", "trial-2/seed-1"]


def test_data_that_changed_since_the_search_are_told(place: Path) -> None:
    assert "these are not the data" not in retrain("study", "+data.limit=5")
    config = place / "multirun/study/day/time/2/.hydra/config.yaml"
    config.write_text(config.read_text().replace("abc", "other"))
    assert "WARNING: these are not the data of the search" in retrain("study")
    assert results(folders(place)[-1])["data"]["same_as_in_search"] is False
    assert "note: these are not the data of the search, as asked" in retrain(
        "study", "+data.path=x"
    )


def test_a_seed_that_fails_late_costs_itself_alone(place: Path) -> None:
    output = retrain("study", "seed=0,1,2", "+fate=die in 1", code=1)
    final = results(folders(place)[0])
    assert (final["failed"], final["seeds"]) == (["seed-1"], [0, 2])
    assert "seed-1 failed with exit code 3" in output


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_the_same_command_goes_on(place: Path, number: int, code: int) -> None:
    command = [sys.executable, "-m", "trialsmith.cli", "retrain", "study", "seed=0,1,2"]
    command += ["+fate=wait in 1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 60
    while not (place / "waiting").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == code, output
    assert "the same command goes on" in output
    (folder,) = folders(place)
    first = (folder / "seed-0" / "metrics.json").stat().st_mtime_ns
    (place / "go").touch()
    assert "goes on with" in retrain(*command[4:])
    assert folders(place) == [folder]
    assert (folder / "seed-0" / "metrics.json").stat().st_mtime_ns == first
    assert results(folder)["seeds"] == [0, 1, 2]
    assert (folder / "seed-1.interrupted-1").is_dir()


def test_a_file_of_the_study_stands_for_the_study(place: Path) -> None:
    run.invoke(app, ["report", "study"])
    retrain("multirun/study/best_params.json")
    assert results(folders(place)[0])["chosen"] == "trial-2"


def test_a_configuration_alone_is_trained_too(place: Path) -> None:
    run.invoke(app, ["report", "study"])
    copy = place / "copy.yaml"
    copy.write_text((place / "multirun/study/best_config.yaml").read_text())
    retrain("copy.yaml", "seed=1", "--output", "mine")
    final = results(place / "mine")
    assert (final["source"], final["score_in_search"]) == ("copy", None)
    assert "a study or a trial's folder" in retrain("copy.yaml", "loss=mae", code=1)


def test_from_elsewhere_the_search_s_own_program_and_paths_are_used(
    place: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("else where")
    (elsewhere / "new.csv").touch()
    monkeypatch.chdir(elsewhere)
    retrain(str(place / "multirun/study"), "+data.path=new.csv")
    (config,) = elsewhere.glob("outputs/retrain/study/*/*/config.json")
    assert json.loads(config.read_text())["data.path"] == str(elsewhere / "new.csv")


def test_parameters_alone_become_overrides_of_the_program(place: Path) -> None:
    from trialsmith.study.retraining.candidate import of_file
    from trialsmith.study.retraining.plan import Plan
    from trialsmith.study.retraining.training import command

    (place / "params.json").write_text('{"fusion.layers": "1,2", "loss": "mae", "+new": null}')
    plan = Plan(
        "params", [of_file(place / "params.json")], [3], ["trainer.max_epochs=5", "loss=mse"]
    )
    assert list(command(plan, plan.runs[0], None, place / "run")) == [
        "loss=mse",  # config groups first; the parameters, then what the user says otherwise
        "fusion.layers='1,2'",
        "+new=null",
        "trainer.max_epochs=5",
        "seed=3",
        f"hydra.run.dir={place.resolve()}/run",
    ]
