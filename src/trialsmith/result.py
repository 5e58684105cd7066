"""What a trained model is worth: its predictions at the best epoch, and their errors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from jaxtyping import Float, Num
from torch import Tensor

from trialsmith.metrics import score, score_classes


@dataclass(frozen=True)
class Predictions:
    """Predicted and true values of one split, in the targets' own units.

    Of classes `predicted` are their probabilities, and `true` are their numbers.
    """

    ids: list[str]
    predicted: Float[np.ndarray, "samples outputs"]
    true: Num[np.ndarray, "samples *targets"]

    def errors(self, targets: Sequence[Any]) -> dict[str, dict[str, float]]:
        """MSE, MAE, RMSE and R² of each target by its name; accuracy and F1 of classes."""
        predicted, true = torch.from_numpy(self.predicted), torch.from_numpy(self.true)
        if targets[0].classes:
            scores = score_classes(predicted, true)
            return {targets[0].name: {name: float(value) for name, value in scores.items()}}
        metrics = score(predicted, true)
        return {
            target.name: {name: float(value.reshape(-1)[k]) for name, value in metrics.items()}
            for k, target in enumerate(targets)
        }

    def summary(self, targets: Sequence[Any]) -> str:
        """The errors on one line, with the targets' units."""
        lines = []
        if targets[0].classes:
            scores = self.errors(targets)[targets[0].name]
            return f"accuracy {scores['accuracy']:.4g}, weighted F1 {scores['f1']:.4g}"
        for target, error in zip(targets, self.errors(targets).values(), strict=True):
            unit = f" {target.unit}" if target.unit else ""
            r2 = f", R² {error['r2']:.3f}" if "r2" in error else ""
            lines.append(
                f"{target.name} MAE {error['mae']:.4g}{unit}, RMSE {error['rmse']:.4g}{unit}{r2}"
            )
        return "; ".join(lines)

    def table(self, targets: Sequence[Any]) -> tuple[list[str], list[list[Any]]]:
        """Names of columns, and a row for each sample: id, true values, predicted values.

        Of classes: their names, and the probability of the predicted one.
        """
        if targets[0].classes:
            classes, likeliest = targets[0].classes, self.predicted.argmax(1)
            rows = [
                [name, classes[true], classes[k], float(probability[k])]
                for name, true, k, probability in zip(
                    self.ids, self.true, likeliest, self.predicted, strict=True
                )
            ]
            return ["id", "class_true", "class_predicted", "probability"], rows
        names = [target.name for target in targets]
        columns = ["id", *(f"{n}_true" for n in names), *(f"{n}_predicted" for n in names)]
        return columns, [
            [name, *_shortest(true), *_shortest(predicted)]
            for name, true, predicted in zip(self.ids, self.true, self.predicted, strict=True)
        ]


@dataclass(frozen=True)
class Fitted:
    """What the training of one model came to.

    Attributes:
        score: the monitored metric at the best epoch, on the validation split.
        splits: predictions of that epoch's weights, by the split.
        costs: further objectives by their names; see `trialsmith.costs`.
    """

    score: float
    best_epoch: int | None
    targets: Sequence[Any]
    splits: dict[str, Predictions]
    costs: Mapping[str, float] = field(default_factory=dict)

    @property
    def objectives(self) -> float | list[float]:
        """What a search compares: the score, or a list of it and the costs."""
        return [self.score, *self.costs.values()] if self.costs else self.score


def predict(
    trainer: pl.Trainer, learner: pl.LightningModule, loader: Any, checkpoint: str | None
) -> Predictions:
    """Predictions on `loader` with the weights of `checkpoint`; None: the weights as they are."""
    if checkpoint:
        # Not by the trainer's `ckpt_path`: after a fit with averaged weights Lightning goes back
        # to the weights that were not averaged, and the checkpoint's score is of the averaged.
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        learner.load_state_dict(state["state_dict"])
    batches = trainer.predict(learner, loader)
    ids, predicted, true = zip(*(batches or []), strict=True)
    return Predictions(
        ids=[name for batch in ids for name in batch],
        predicted=torch.cat(predicted).float().cpu().numpy(),
        true=_single(torch.cat(true)).cpu().numpy(),
    )


def _shortest(values: Float[np.ndarray, "targets"]) -> list[float]:
    """The numbers with as few digits as tell them from all others of their precision."""
    return [float(text) for text in values.astype(str)]


def _single(values: Tensor) -> Tensor:
    return values.float() if values.is_floating_point() else values
