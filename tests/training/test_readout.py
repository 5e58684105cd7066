"""One learner for numbers and for classes; scores that no weight of a loss can move."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score
from torch import nn

from trialsmith import schedules
from trialsmith.callbacks import Objective
from trialsmith.data import Classes, SignalBatch, Standardiser, Target
from trialsmith.errors import InfeasibleConfig
from trialsmith.learner import Learner
from trialsmith.losses import WeightedMSE
from trialsmith.models import CNN
from trialsmith.readout import Categories, Numbers
from trialsmith.result import predict


def batches(classes: bool) -> list[SignalBatch]:
    rng = torch.Generator().manual_seed(0)
    level = torch.randn(48, 1, 1, generator=rng)
    signal = level + 0.1 * torch.randn(48, 1, 16, generator=rng)
    number = torch.bucketize(level.flatten(), torch.tensor([-0.4, 0.4]))
    numbers = torch.cat([level[:, 0], 100 * level[:, 0] ** 2], dim=1)
    target = number if classes else numbers
    ids = [str(i) for i in range(48)]
    return [
        SignalBatch(signal[i : i + 12], target[i : i + 12], ids[i : i + 12])
        for i in (0, 12, 24, 36)
    ]


def trained(
    data: list[SignalBatch],
    loss: nn.Module,
    scaler: object,
    epochs: int,
    lr: float,
    validated: list[SignalBatch] | None = None,
):
    torch.manual_seed(0)
    target = data[0].target
    outputs = 3 if target.ndim == 1 else target.shape[1]
    model = CNN(outputs, (1, 16), hidden=4, use_residual=False)
    optimizer = partial(torch.optim.Adam, lr=lr)
    learner = Learner(model, loss, optimizer, schedules.constant, scaler)
    options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = pl.Trainer(
        max_epochs=epochs, accelerator="cpu", enable_model_summary=False, **options
    )
    loader = torch.utils.data.DataLoader(data, batch_size=None)
    others = torch.utils.data.DataLoader(validated or data, batch_size=None)
    trainer.fit(learner, loader, others)
    return learner, trainer, loader


def test_classes_are_learned_and_scored_as_scikit_learn_does() -> None:
    learner, trainer, loader = trained(batches(True), nn.CrossEntropyLoss(), Classes(3), 15, 0.01)
    logged = {name: float(value) for name, value in trainer.callback_metrics.items()}
    result = predict(trainer, learner, loader, None)
    np.testing.assert_allclose(result.predicted.sum(1), 1, atol=1e-5)
    likeliest = result.predicted.argmax(1)
    assert logged["val/accuracy"] == pytest.approx(accuracy_score(result.true, likeliest))
    f1 = f1_score(result.true, likeliest, average="weighted")
    assert logged["val/f1"] == pytest.approx(f1, abs=1e-6)
    assert logged["val/accuracy"] > 0.8
    targets = [Target("class", classes=("low", "middle", "high"))]
    assert result.errors(targets)["class"]["f1"] == pytest.approx(f1, abs=1e-6)
    assert "weighted F1" in result.summary(targets)
    assert learner.scores == ("val/loss", "val/accuracy", "val/f1")


def test_a_batch_of_one_sample_is_scored() -> None:
    """As the last one of a validation may be: its class has the shape (1,), and not ()."""
    data = batches(True)
    x, y = data[0].signal, data[0].target
    parts = [
        SignalBatch(x[part], y[part], data[0].ids[part]) for part in (slice(11), slice(11, 12))
    ]
    _, trainer, _ = trained(data, nn.CrossEntropyLoss(), Classes(3), 1, 0.0, validated=parts)
    _, whole, _ = trained(data, nn.CrossEntropyLoss(), Classes(3), 1, 0.0, validated=data[:1])
    for name in ("val/accuracy", "val/f1"):
        assert trainer.callback_metrics[name] == whole.callback_metrics[name]


def test_the_score_does_not_know_the_weights_of_the_loss() -> None:
    """Nothing is learned: the loss differs a thousandfold, the score is the same."""
    data = batches(False)
    scaler = Standardiser.fit(torch.cat([batch.target for batch in data]))
    scores, losses = [], []
    for weights in ([1, 1], [1e-3, 1e-3], [5, 0.1]):
        loss = WeightedMSE(weights).of(["a", "b"])
        metrics = trained(data, loss, scaler, 1, 0.0)[1].callback_metrics
        scores.append(float(metrics["val/mse"]))
        losses.append(float(metrics["val/loss"]))
    assert scores == pytest.approx([losses[0]] * 3, rel=1e-5)
    assert losses[1] == pytest.approx(losses[0] / 1000, rel=1e-4)


def test_a_weighted_loss_cannot_be_the_score() -> None:
    learner = Learner(
        nn.Identity(), WeightedMSE(), torch.optim.Adam, schedules.constant,
        Standardiser(torch.zeros(2), torch.ones(2)),
    )  # fmt: skip
    objective = Objective("val/loss", "minimize")
    with pytest.raises(InfeasibleConfig, match=r"choose one of: val/mae, val/mse"):
        objective.on_fit_start(pl.Trainer(logger=False, accelerator="cpu"), learner)


def test_the_scale_is_kept_with_the_weights(tmp_path: Path) -> None:
    scale = SimpleNamespace(mean=torch.tensor([1.0, 2.0]), std=torch.tensor([3.0, 4.0]))
    torch.save(Numbers(scale).state_dict(), tmp_path / "kept.pt")
    other = Numbers(SimpleNamespace(mean=torch.zeros(2), std=torch.ones(2)))
    other.load_state_dict(torch.load(tmp_path / "kept.pt", weights_only=True))
    z = torch.randn(5, 2)
    torch.testing.assert_close(other.predicted(z), scale.mean + scale.std * z)
    torch.testing.assert_close(other.wanted(other.predicted(z)), z)
    assert not Categories(3).state_dict()
