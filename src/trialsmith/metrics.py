"""How far predictions are from the truth: numbers in the unit of the target, and classes."""

from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score
from torchmetrics.regression import MeanAbsoluteError, MeanSquaredError, R2Score


def regression(outputs: int) -> MetricCollection:
    """MSE, MAE, RMSE and R² of every target; accumulated over batches.

    For standardised values, whose errors `in_units` scales back: torchmetrics subtracts sums of
    squares, which of values far from zero leaves rounding errors, and takes a target whose squares
    sum to less than 1e-4 for a constant. R² is the same in any unit.
    """
    return MetricCollection(
        {
            "mse": MeanSquaredError(num_outputs=outputs),
            "mae": MeanAbsoluteError(num_outputs=outputs),
            "rmse": MeanSquaredError(num_outputs=outputs, squared=False),
            "r2": R2Score(multioutput="raw_values"),
        }
    )


def classification(classes: int) -> MetricCollection:
    """Accuracy, and F1 as the mean over classes weighted by how often each occurs."""
    return MetricCollection(
        {
            "accuracy": MulticlassAccuracy(classes, average="micro"),
            "f1": MulticlassF1Score(classes, average="weighted"),
        }
    )


def score(
    predicted: Float[Tensor, "samples targets"], true: Float[Tensor, "samples targets"]
) -> dict[str, Float[Tensor, "*targets"]]:
    """MSE, MAE, RMSE and R² of each target; without R² of a single sample, which has none."""
    predicted, true = predicted.double(), true.double()
    std, mean = torch.std_mean(true, dim=0, correction=0)
    std = torch.where(std > 0, std, torch.ones_like(std))
    metrics = regression(true.shape[1]).set_dtype(torch.float64)
    metrics.update(((predicted - mean) / std).squeeze(-1), ((true - mean) / std).squeeze(-1))
    return in_units(defined(metrics), std)


def in_units(
    errors: dict[str, Float[Tensor, "*targets"]], std: Float[Tensor, "targets"]
) -> dict[str, Float[Tensor, "targets"]]:
    """Errors of values that were divided by `std`, of the values themselves."""
    unit = {"mse": std**2, "mae": std, "rmse": std, "r2": torch.ones_like(std)}
    return {name: value * unit[name] for name, value in errors.items()}


def score_classes(
    probabilities: Float[Tensor, "samples classes"], true: Int[Tensor, "samples"]
) -> dict[str, Float[Tensor, ""]]:
    """Accuracy and weighted F1 of the likeliest classes."""
    metrics = classification(probabilities.shape[1])
    metrics.update(probabilities, true)
    return dict(metrics.compute())


def defined(metrics: MetricCollection) -> dict[str, Float[Tensor, "*targets"]]:
    """What `regression` has accumulated; R² needs two samples, one still has an error."""
    enough = int(cast(Tensor, metrics["r2"].total)) > 1
    return {name: m.compute() for name, m in metrics.items() if name != "r2" or enough}
