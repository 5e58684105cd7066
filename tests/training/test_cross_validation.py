"""One run over all folds."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest

from trialsmith.cross_validation import FoldsTrial, cross_validate
from trialsmith.data import Target
from trialsmith.result import Fitted, Predictions

SCORES = {"1": 0.5, "2": 0.75, "10": 1.0}
CONFIG = {"monitor": "val/accuracy", "plots": False, "seed": 0}
DATA: Any = SimpleNamespace(
    fold_names=list(SCORES),
    fingerprint="all folds",
    skipped=[],
    targets=(Target("class", classes=("a", "b")),),
)


class Diary:
    """A trial that remembers."""

    def __init__(self, pruned_at: int | None = None) -> None:
        self.space: dict[str, Any] = {}
        self.parameters = {"optimizer.lr": 0.1}
        self.reports: dict[int, float] = {}
        self.attributes: dict[str, Any] = {}
        self.pruned_at = pruned_at

    def report(self, value: float, step: int) -> None:
        self.reports[step] = value
        if step == self.pruned_at:
            raise optuna.TrialPruned

    def annotate(self, **attributes: Any) -> None:
        self.attributes |= attributes


def train(fold: str, folder: Path, trial: FoldsTrial | None) -> Fitted:
    """Four samples, of which the fold's score says how many are right."""
    assert folder.is_dir()
    assert folder.name == f"fold_{fold}"
    if trial is not None:
        assert trial.parameters == {"optimizer.lr": 0.1}
        trial.report(0.123, step=0)
        trial.annotate(data_fingerprint="one fold")
    right = round(4 * SCORES[fold])
    predicted = np.eye(2, dtype=np.float32)[[0] * right + [1] * (4 - right)]
    found = Predictions([f"{fold}-{k}" for k in range(4)], predicted, np.zeros(4, np.int64))
    return Fitted(SCORES[fold], 3, DATA.targets, {"val": found, "test": found})


def test_the_score_is_the_mean_and_the_predictions_are_all(tmp_path: Path) -> None:
    assert cross_validate(train, DATA, CONFIG, tmp_path) == 0.75
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["best"] == 0.75
    assert metrics["spread"] == pytest.approx(0.25)
    assert metrics["test"]["class"]["accuracy"] == pytest.approx(9 / 12)
    assert metrics["folds"]["10"]["best_epoch"] == 3
    with (tmp_path / "folds.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["fold"] for row in rows] == ["1", "2", "10"]
    assert [float(row["test/accuracy"]) for row in rows] == [0.5, 0.75, 1.0]
    assert len(np.load(tmp_path / "y_true.npy")) == 12
    assert (tmp_path / "config.yaml").exists()
    assert "all folds" in (tmp_path / "provenance.yaml").read_text()


def test_models_that_predict_the_same_samples_are_an_ensemble(tmp_path: Path) -> None:
    sure = {"1": [0.9, 0.3], "2": [0.4, 0.4], "10": [0.8, 0.2]}  # of class 0, for two samples

    def held_out(fold: str, folder: Path, trial: FoldsTrial | None) -> Fitted:
        predicted = np.array([[p, 1 - p] for p in sure[fold]], np.float32)
        found = Predictions(["a", "b"], predicted, np.array([0, 1]))
        return Fitted(1.0, 1, DATA.targets, {"test": found})

    cross_validate(held_out, DATA, CONFIG, tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["folds"]["2"]["test/accuracy"] == 0.5
    assert metrics["test"]["class"]["accuracy"] == 1.0  # (0.9 + 0.4 + 0.8) / 3 is above a half
    assert len(np.load(tmp_path / "y_true.npy")) == 2


def test_a_trial_hears_of_folds_and_not_of_their_epochs(tmp_path: Path) -> None:
    trial = Diary()
    cross_validate(train, DATA, CONFIG, tmp_path, trial)
    assert trial.reports == {0: 0.5, 1: 0.75, 2: 1.0}
    assert trial.attributes == {"data_fingerprint": "all folds", "unit": ""}


def test_a_trial_can_be_pruned_between_folds(tmp_path: Path) -> None:
    trial = Diary(pruned_at=1)
    with pytest.raises(optuna.TrialPruned):
        cross_validate(train, DATA, CONFIG, tmp_path, trial)
    assert len(trial.reports) == 2
    with (tmp_path / "folds.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 2
    assert not (tmp_path / "fold_10").exists()


def test_wilcoxon_prunes_who_is_worse_fold_by_fold() -> None:
    """As the sweeper's pruner config builds it; a clearly better trial goes on."""
    from hydra import compose, initialize_config_dir

    from hydra_plugins.trialsmith_sweeper._build import build_pruner

    conf = Path(__file__).resolve().parents[2] / "conf"
    with initialize_config_dir(str(conf)):
        cfg = compose("train", ["hydra/sweeper/pruner=wilcoxon"], return_hydra_config=True)
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        pruner = build_pruner(cfg.hydra.sweeper.pruner)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    difficulty = np.linspace(0, 0.3, 10)
    verdicts = []
    for skill in (0.8, 0.6, 0.9):
        trial = study.ask()
        for step, difference in enumerate(difficulty):
            trial.report(skill - difference, step)
            if trial.should_prune():
                break
        verdicts.append(step < 9)
        study.tell(trial, skill - float(difficulty.mean()))
    assert verdicts == [False, True, False]
