"""What each run leaves to look at."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import lightning.pytorch as pl
import numpy as np
import pytest
from lightning.pytorch.loggers import TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from trialsmith.callbacks import LearningCurves, learning_curves, save_pictures, save_result
from trialsmith.callbacks.evaluation import unit_of_score
from trialsmith.callbacks.record import record_run
from trialsmith.data import Target
from trialsmith.data.problem import Problem
from trialsmith.evaluation import confusion, parity, pictures
from trialsmith.evaluation import learning_curves as curves
from trialsmith.result import Predictions

RNG = np.random.default_rng(0)
TARGETS = [Target("Gas Velocity", "m/s"), Target("E/atom", "eV")]
ERRORS = {"mae": 0.25, "rmse": 0.5, "r2": 0.9}


def predictions(n: int = 40) -> Predictions:
    true = RNG.normal(size=(n, 2)).astype(np.float32)
    noise = RNG.normal(size=(n, 2)).astype(np.float32)
    return Predictions([str(i) for i in range(n)], true + 0.1 * noise, true)


def classified() -> tuple[Predictions, list[Target]]:
    true = np.arange(12) % 3
    probability = np.eye(3, dtype=np.float32)[np.where(np.arange(12) < 3, 0, true)]
    return Predictions([str(i) for i in range(12)], probability, true), [
        Target("class", classes=("cat", "dog", "owl"))
    ]


def words(figure: object) -> str:
    return " ".join(text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text")))


def test_metrics_hold_each_target_and_the_loss_of_each_epoch(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text("epoch,train/loss,val/loss\n1,2.0,\n2,1.0,3.0\n")
    result = predictions()
    save_result(tmp_path, {"best": 1.0}, TARGETS, {"val": result})
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    for k, target in enumerate(TARGETS):
        errors = metrics["val"][target.name]
        square = ((result.predicted - result.true)[:, k] ** 2).mean()
        assert errors["mse"] == pytest.approx(square, rel=1e-5)
        assert errors["rmse"] == pytest.approx(square**0.5, rel=1e-5)
        assert set(errors) == {"mse", "mae", "rmse", "r2"}
    assert metrics["history"] == {"train/loss": [2.0, 1.0], "val/loss": [3.0]}


def test_classes_are_told_by_name_with_their_probability(tmp_path: Path) -> None:
    result, targets = classified()
    metrics = save_result(tmp_path, {}, targets, {"val": result})
    assert metrics["val"]["class"]["accuracy"] == pytest.approx(10 / 12)
    table = (tmp_path / "predictions.csv").read_text().splitlines()
    assert table[0] == "id,split,class_true,class_predicted,probability"
    assert table[2] == "1,val,dog,cat,1.0"
    np.testing.assert_array_equal(np.load(tmp_path / "y_true.npy"), result.true)
    assert (np.load(tmp_path / "y_pred.npy") == result.true).sum() == 10
    np.testing.assert_array_equal(np.load(tmp_path / "y_prob.npy"), result.predicted)


def test_rows_that_are_left_out_are_listed_and_none_is_a_formula(tmp_path: Path) -> None:
    skipped = [Problem("a.csv:2", "=HYPERLINK(1)", "@no number"), Problem("a.csv:3", "", "none")]
    record_run(tmp_path, {}, SimpleNamespace(fingerprint="f", skipped=skipped))
    with (tmp_path / "skipped.csv").open(newline="") as file:
        assert list(csv.reader(file))[1:] == [
            ["a.csv:2", "'=HYPERLINK(1)", "'@no number"],
            ["a.csv:3", "", "none"],
        ]


@pytest.mark.parametrize("n", [1, 30, 3000])
def test_a_parity_plot_states_units_and_errors(n: int) -> None:
    true = RNG.normal(size=n)
    said = words(parity(true, true + 0.1, ERRORS, "Gas Velocity", "m/s", "test"))
    for part in ("Gas Velocity, test", "true (m/s)", "MAE = 0.25 m/s", "R² = 0.900", f"n = {n}"):
        assert part in said


def test_points_that_hide_each_other_are_drawn_by_their_density() -> None:
    few, many = (
        parity(np.arange(float(n)), np.ones(n), ERRORS, "y", "", "val") for n in (100, 3000)
    )
    assert len(many.axes) == len(few.axes) + 1  # the scale of colours


@pytest.mark.parametrize("sign", [1, -1])
def test_the_metrics_hide_no_point(sign: int) -> None:
    """The box stands on the other side of the diagonal than the points."""
    true = np.linspace(0, 1, 50)
    figure = parity(true, true**4 if sign > 0 else true**0.25, ERRORS, "y", "", "val")
    (box,) = figure.axes[0].texts
    assert box.get_position() == ((0.04, 0.96) if sign > 0 else (0.96, 0.04))


def test_targets_whose_names_differ_in_signs_only_have_a_picture_each() -> None:
    result = predictions(3)
    named = [Target("a-b"), Target("a b")]
    assert [name for name, _ in pictures(result, named, "val")] == ["a_b_0", "a_b_1"]


def test_a_confusion_matrix_counts(tmp_path: Path) -> None:
    result, (target,) = classified()
    figure = confusion(
        result.true, result.predicted.argmax(1), target.classes, {"accuracy": 1.0, "f1": 1.0}, "val"
    )
    counts = [text.get_text() for text in figure.axes[0].texts]
    assert counts == ["4", "1", "3", "1", "3"]  # row by row, without zeros


def test_learning_curves_mark_the_best_epoch_and_stand_gaps() -> None:
    rows = [
        {"epoch": 1.0, "train/loss": 2.0},
        {"epoch": 2.0, "train/loss": 1.0, "val/loss": 3.0, "val/r2": 0.7},
        {"epoch": 3.0, "train/loss": 0.5, "val/loss": float("nan"), "val/r2": 0.2},
    ]
    assert "best 0.7 in epoch 2" in words(curves(rows, "val/r2", lower_is_better=False))
    assert "best 0.2 in epoch 3" in words(curves(rows, "val/r2", lower_is_better=True))
    curves(rows[:1], "val/r2", lower_is_better=True)
    told = words(curves(rows, "val/r2", lower_is_better=True, unit="eV"))
    assert "best 0.2 eV in epoch 3" in told
    assert "val/r2 (eV)" in told


@pytest.mark.parametrize(
    ("monitor", "targets", "unit"),
    [
        ("val/mae", TARGETS[:1], "m/s"),
        ("val/mse", TARGETS[:1], "(m/s)²"),
        ("val/mse", TARGETS[1:], "eV²"),
        ("val/r2", TARGETS[:1], ""),
        ("val/loss", TARGETS[:1], ""),
        ("val/mae", TARGETS, ""),  # standardised
        ("val/mae", [Target("ratio")], ""),
        ("val/mae", (), ""),
    ],
)
def test_a_score_has_the_unit_of_its_target(monitor: str, targets: list, unit: str) -> None:
    assert unit_of_score(monitor, targets) == unit


def test_a_run_that_is_cut_short_leaves_its_curves(tmp_path: Path) -> None:
    trainer = pl.Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")
    callback = LearningCurves(tmp_path, "val/mae", "minimize")
    callback.on_exception(trainer, pl.LightningModule(), RuntimeError())  # before the first epoch
    assert not (tmp_path / "learning_curves.png").exists()
    (tmp_path / "history.csv").write_text("epoch,train/loss,val/mae\n1,2.0,0.5\n")
    callback.on_exception(trainer, pl.LightningModule(), RuntimeError())
    assert (tmp_path / "learning_curves.png").read_bytes()[1:4] == b"PNG"
    assert learning_curves(tmp_path, "val/mae", "minimize", plots=False) is None


def test_pictures_stand_in_the_folder_and_in_tensorboard(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path, name="", version="tensorboard")
    trainer = pl.Trainer(logger=logger, enable_checkpointing=False, accelerator="cpu")
    save_pictures(tmp_path, TARGETS, {"val": predictions(), "test": predictions()}, trainer)
    logger.experiment.close()
    names = {path.name for path in (tmp_path / "evaluation_plots").iterdir()}
    assert names == {"gas_velocity.png", "e_atom.png"}
    images = EventAccumulator(str(tmp_path / "tensorboard")).Reload().Tags()["images"]
    assert images == ["evaluation/gas_velocity", "evaluation/e_atom"]
