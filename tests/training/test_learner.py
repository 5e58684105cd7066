"""The learner, its schedules and its callbacks, on a line that any optimizer can find."""

import csv
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from optuna import TrialPruned
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score
from torch import Tensor, nn

from trialsmith import schedules
from trialsmith.callbacks import History, Objective, best_checkpoint, early_stopping
from trialsmith.errors import Diverged, InfeasibleConfig
from trialsmith.learner import Learner
from trialsmith.metrics import score
from trialsmith.result import predict


@dataclass
class Points:
    x: Tensor
    target: Tensor
    ids: list[str]

    def __len__(self) -> int:
        return len(self.x)

    def to(self, device: torch.device, **_: object) -> "Points":
        return Points(self.x.to(device), self.target.to(device), self.ids)


class Line(nn.Module):
    def __init__(self, outputs: int = 1) -> None:
        super().__init__()
        self.weight = nn.Linear(3, outputs)

    def forward(self, batch: Points) -> Tensor:
        return self.weight(batch.x)


@dataclass
class Scaler:
    mean: Tensor
    std: Tensor


def points(n: int = 64, outputs: int = 1, scale: float = 1.0, shift: float = 0.0) -> list[Points]:
    rng = torch.Generator().manual_seed(1)
    x = torch.randn(n, 3, generator=rng)
    y = x @ torch.randn(3, outputs, generator=rng) + 0.1 * torch.randn(n, outputs, generator=rng)
    batch = Points(x, shift + scale * y, [str(i) for i in range(n)])
    return [
        Points(batch.x[i : i + 16], batch.target[i : i + 16], batch.ids[i : i + 16])
        for i in range(0, n, 16)
    ]


def loader(batches: list[Points]) -> torch.utils.data.DataLoader:
    return torch.utils.data.DataLoader(batches, batch_size=None)


def learner(batches: list[Points], lr: float = 0.1, schedule=schedules.constant) -> Learner:
    y = torch.cat([b.target for b in batches])
    torch.manual_seed(0)
    return Learner(
        model=Line(y.shape[1]),
        loss=nn.MSELoss(),
        optimizer=partial(torch.optim.AdamW, lr=lr),
        schedule=schedule,
        scaler=Scaler(y.mean(0), y.std(0)),
    )


def fit(
    tmp_path: Path,
    module: Learner,
    batches: list[Points],
    epochs: int = 5,
    callbacks=(),
    validated: list[Points] | None = None,
    every: int = 1,
):
    """A Trainer that has trained on `batches`, and validated on them or on others."""
    trainer = pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=any(isinstance(c, pl.callbacks.ModelCheckpoint) for c in callbacks),
        callbacks=list(callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
        check_val_every_n_epoch=every,
    )
    trainer.fit(module, loader(batches), loader(validated or batches))
    return trainer


def test_the_unit_of_the_target_changes_the_errors_and_nothing_else(tmp_path: Path) -> None:
    """y → a y + b: the training on standardised targets is the same, the errors scale by a."""
    in_eV, in_meV = points(), points(scale=1000.0, shift=5.0)
    a, b = learner(in_eV), learner(in_meV)
    fit(tmp_path, a, in_eV)
    fit(tmp_path, b, in_meV)
    errors_a, errors_b = a.trainer.callback_metrics, b.trainer.callback_metrics
    assert float(errors_b["val/mae"]) == pytest.approx(1000 * float(errors_a["val/mae"]), rel=1e-3)
    assert float(errors_b["val/r2"]) == pytest.approx(float(errors_a["val/r2"]), rel=1e-4)
    assert float(errors_b["val/loss"]) == pytest.approx(float(errors_a["val/loss"]), rel=1e-3)


@pytest.mark.parametrize("outputs", [1, 2])
def test_logged_metrics_are_those_of_the_predictions(tmp_path: Path, outputs: int) -> None:
    """In the unit of one target; of several in their standard deviations, which have a mean."""
    batches = points(outputs=outputs)
    module = learner(batches)
    trainer = fit(tmp_path, module, batches)
    logged = {k: float(v) for k, v in trainer.callback_metrics.items()}
    result = predict(trainer, module, loader(batches), None)
    unit = module.readout.std.numpy() if outputs > 1 else 1.0
    assert logged["val/mae"] == pytest.approx(
        mean_absolute_error(result.true / unit, result.predicted / unit), rel=1e-5
    )
    assert math.isfinite(logged["train/loss"])


def test_the_unit_of_one_of_several_targets_does_not_change_the_score(tmp_path: Path) -> None:
    eV, meV = points(outputs=2), points(outputs=2)
    for batch in meV:
        batch.target[:, 1] *= 1000
    scores = [float(fit(tmp_path, learner(b), b).callback_metrics["val/mae"]) for b in (eV, meV)]
    assert scores[0] == pytest.approx(scores[1], rel=1e-4)


def test_averaged_weights_are_the_ones_that_predict(tmp_path: Path) -> None:
    """The best checkpoint's score is of the averaged weights; so are its predictions."""
    batches = points()
    module = learner(batches)
    kept = best_checkpoint("val/mae", "minimize", tmp_path)
    average = pl.callbacks.EMAWeightAveraging(decay=0.9)
    trainer = fit(tmp_path, module, batches, callbacks=[kept, average])
    result = predict(trainer, module, loader(batches), kept.best_model_path)
    error = mean_absolute_error(result.true, result.predicted)
    assert error == pytest.approx(float(kept.best_model_score), rel=1e-5)


def test_history_has_every_metric_and_the_rate_that_was_used(tmp_path: Path) -> None:
    """Also when the first validation comes after the first epoch."""
    batches = points()
    module = learner(batches, schedule=schedules.one_cycle)
    fit(tmp_path, module, batches, epochs=4, callbacks=[History(tmp_path)], every=2)
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["val/mae"] != "" for row in rows] == [False, True, False, True]
    assert all(row["train/loss"] for row in rows)
    # one cycle ends far below where it began: the last step's rate, not what would follow
    assert float(rows[-1]["lr"]) < 1e-4 * max(float(row["lr"]) for row in rows)


def test_a_plateau_is_judged_where_there_is_a_validation(tmp_path: Path) -> None:
    batches = points()
    flat = partial(
        schedules.plateau, monitor="val/mae", direction="minimize", factor=0.5, patience=0
    )
    module = learner(batches, lr=1e-6, schedule=flat)  # too small to learn anything
    trainer = fit(tmp_path, module, batches, epochs=6, every=2)
    assert trainer.optimizers[0].param_groups[0]["lr"] == pytest.approx(1e-6 / 4)


def test_one_sample_is_scored_without_r2() -> None:
    errors = score(torch.tensor([[1.0]]), torch.tensor([[3.0]]))
    found = {name: float(value) for name, value in errors.items()}
    assert found == {"mse": 4.0, "mae": 2.0, "rmse": 2.0}


def test_scores_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    true, predicted = rng.normal(size=(50, 3)), rng.normal(size=(50, 3))
    ours = score(torch.tensor(predicted), torch.tensor(true))
    columns = {"multioutput": "raw_values"}
    assert ours["mae"].numpy() == pytest.approx(mean_absolute_error(true, predicted, **columns))
    assert ours["rmse"].numpy() ** 2 == pytest.approx(
        mean_squared_error(true, predicted, **columns)
    )
    assert ours["r2"].numpy() == pytest.approx(r2_score(true, predicted, **columns), rel=1e-5)


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1.0, 1e9])
@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_r2_does_not_know_the_unit(tmp_path: Path, scale: float, shift: float) -> None:
    """Of energies in hartree as of fractions of a thousandth."""
    rng = np.random.default_rng(0)
    true = rng.normal(size=(40, 2))
    predicted = true + rng.normal(size=(40, 2)) * [0.1, 0.5]
    expected = r2_score(true, predicted, multioutput="raw_values")
    true, predicted = (torch.from_numpy(scale * (values + shift)) for values in (true, predicted))
    errors = score(predicted, true)
    assert errors["r2"].numpy() == pytest.approx(expected, rel=1e-6)
    rmse = ((predicted - true) ** 2).mean(0).sqrt()
    assert errors["rmse"].numpy() == pytest.approx(rmse.numpy(), rel=1e-9)


def test_the_validation_r2_is_that_of_the_predictions(tmp_path: Path) -> None:
    """Also where the target is of the order of a millionth."""
    batches = points(scale=1e-6)
    module = learner(batches)
    trainer = fit(tmp_path, module, batches)
    logged = float(trainer.callback_metrics["val/r2"])
    result = predict(trainer, module, loader(batches), None)
    assert logged == pytest.approx(r2_score(result.true, result.predicted), rel=1e-4)
    assert 0 < logged < 1


def test_a_single_validation_sample_has_an_error_but_no_r2(tmp_path: Path) -> None:
    batches = points()
    module = learner(batches)
    one = [Points(batches[0].x[:1], batches[0].target[:1], ["0"])]
    trainer = fit(tmp_path, module, batches, epochs=1, validated=one)
    assert "val/mae" in trainer.callback_metrics
    assert "val/r2" not in trainer.callback_metrics


class Diary:
    """A trial that remembers what it was told, and prunes when asked to."""

    def __init__(self, prune_at: int | None = None) -> None:
        self.reports: dict[int, float] = {}
        self.prune_at = prune_at

    def report(self, value: float, step: int) -> None:
        self.reports[step] = value
        if step == self.prune_at:
            raise TrialPruned


def test_the_score_is_the_best_epochs_and_every_epoch_is_reported(tmp_path: Path) -> None:
    batches, trial = points(), Diary()
    objective = Objective("val/mae", "minimize", trial)
    history = History(tmp_path)
    # a learning rate so high that the last epoch is not the best
    trainer = fit(tmp_path, learner(batches, lr=5.0), batches, 8, [history, objective])
    assert list(trial.reports) == list(range(8))
    assert objective.best == min(trial.reports.values())
    assert trial.reports[objective.best_epoch - 1] == objective.best
    assert objective.best < trial.reports[7]
    assert float(trainer.callback_metrics["best/val/mae"]) == pytest.approx(objective.best)


def test_a_pruned_run_leaves_its_history(tmp_path: Path) -> None:
    batches = points()
    with pytest.raises(TrialPruned):
        fit(
            tmp_path,
            learner(batches),
            batches,
            8,
            [History(tmp_path), Objective("val/mae", "minimize", Diary(prune_at=2))],
        )
    rows = list(csv.DictReader((tmp_path / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert all(math.isfinite(float(row["train/loss"])) for row in rows)


def test_a_diverged_run_says_so(tmp_path: Path) -> None:
    batches = points()
    module = learner(batches)
    with torch.no_grad():
        module.model.weight.bias.fill_(math.nan)
    with pytest.raises(Diverged, match=r"val/mae is nan in epoch 1.*optimizer\.lr"):
        fit(tmp_path, module, batches, 3, [Objective("val/mae", "minimize")])


def test_an_unknown_monitor_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    batches = points()
    with pytest.raises(InfeasibleConfig, match=r"val/auc is not a metric.*val/mae"):
        fit(tmp_path, learner(batches), batches, 1, [Objective("val/auc", "minimize")])


@pytest.mark.parametrize(
    ("monitor", "direction", "words"),
    [
        ("val/mae", "min", "direction=min must be minimize or maximize"),
        ("val/r2", "minimize", "better when it is higher: add direction=maximize"),
        ("val/mae", "maximize", "better when it is lower: add direction=minimize"),
    ],
)
def test_a_wrong_direction_keeps_no_worst_epoch(monitor: str, direction: str, words: str) -> None:
    for part in (
        Objective,
        partial(best_checkpoint, folder="."),
        partial(early_stopping, patience=1),
    ):
        with pytest.raises(InfeasibleConfig, match=words):
            part(monitor, direction)


def test_a_run_without_a_validated_epoch_has_no_score(tmp_path: Path) -> None:
    batches = points()
    with pytest.raises(InfeasibleConfig, match=r"trainer\.max_epochs=0"):
        fit(tmp_path, learner(batches), batches, 0, [Objective("val/mae", "minimize")])


def test_the_checkpoint_is_the_best_epochs(tmp_path: Path) -> None:
    batches, trial = points(), Diary()
    module = learner(batches, lr=5.0)
    keep = best_checkpoint("val/mae", "minimize", tmp_path / "checkpoints")
    trainer = fit(tmp_path, module, batches, 8, [keep, Objective("val/mae", "minimize", trial)])
    result = predict(trainer, module, loader(batches), keep.best_model_path)
    assert np.abs(result.true - result.predicted).mean() == pytest.approx(
        min(trial.reports.values()), rel=1e-5
    )


def test_early_stopping_waits_for_its_patience(tmp_path: Path) -> None:
    batches, trial = points(), Diary()
    stop = early_stopping("val/mae", "minimize", patience=3)
    fit(
        tmp_path,
        learner(batches, lr=0.0),
        batches,
        50,
        [stop, Objective("val/mae", "minimize", trial)],
    )
    # the first epoch is the best for ever: three more are waited for
    assert len(trial.reports) == 4
    assert early_stopping("val/mae", "minimize", patience=None) is None


def test_early_stopping_may_look_at_another_metric(tmp_path: Path) -> None:
    batches, trial = points(), Diary()
    stop = early_stopping("val/r2", "maximize", patience=2, window=2)
    score = Objective("val/mae", "minimize", trial)
    fit(tmp_path, learner(batches, lr=0.0), batches, 50, [stop, score])
    # the first mean is there after two epochs; two more are waited for
    assert len(trial.reports) == 4
    for unknown in ("val/auc", "val/f1"):
        stop = early_stopping(unknown, "maximize", patience=2)
        with pytest.raises(InfeasibleConfig, match="is not a metric of this run; choose one of"):
            fit(tmp_path, learner(batches), batches, 1, [stop])


def rates(tmp_path: Path, schedule, epochs: int = 10, lr: float = 0.01) -> list[float]:
    batches = points()
    history = History(tmp_path)
    fit(tmp_path, learner(batches, lr=lr, schedule=schedule), batches, epochs, [history])
    return [row["lr"] for row in history.rows]


def test_one_cycle_rises_to_the_learning_rate_and_falls_to_zero(tmp_path: Path) -> None:
    lr = rates(tmp_path, partial(schedules.one_cycle, warmup=0.5))
    peak = lr.index(max(lr))
    assert max(lr) == pytest.approx(0.01, rel=0.05)
    assert 3 <= peak <= 5
    assert lr[:peak] == sorted(lr[:peak])
    assert lr[peak:] == sorted(lr[peak:], reverse=True)
    assert lr[-1] < 1e-4


def test_one_cycle_takes_a_run_of_a_single_step() -> None:
    optimizer = torch.optim.AdamW([torch.zeros(1, requires_grad=True)], lr=0.1)
    assert schedules.one_cycle(optimizer, steps=1)["interval"] == "step"


def test_constant_stays_and_plateau_falls(tmp_path: Path) -> None:
    assert rates(tmp_path, schedules.constant) == [0.01] * 10
    plateau = partial(
        schedules.plateau, monitor="val/loss", direction="minimize", factor=0.1, patience=1
    )
    # at a rate that is too small to learn anything, every second epoch is one too many
    assert rates(tmp_path, plateau, lr=1e-6)[-1] <= 1e-7
