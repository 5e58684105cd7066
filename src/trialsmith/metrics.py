"""How far predictions are from the truth, in the unit of the target."""

from jaxtyping import Float
from torch import Tensor
from torchmetrics import MetricCollection
from torchmetrics.regression import MeanAbsoluteError, MeanSquaredError, R2Score


def regression(outputs: int) -> MetricCollection:
    """MAE, RMSE and R² of every target; accumulated over batches."""
    return MetricCollection(
        {
            "mae": MeanAbsoluteError(num_outputs=outputs),
            "rmse": MeanSquaredError(num_outputs=outputs, squared=False),
            "r2": R2Score(multioutput="raw_values"),
        }
    )


def score(
    predicted: Float[Tensor, "samples targets"], true: Float[Tensor, "samples targets"]
) -> dict[str, Float[Tensor, "*targets"]]:
    """MAE, RMSE and R² of each target; R² is left out where a single sample does not define it."""
    metrics = regression(true.shape[1])
    if len(true) < 2:
        metrics.pop("r2")
    return dict(metrics(predicted.squeeze(-1), true.squeeze(-1)))
