"""How far predictions are from the truth, in the unit of the target."""

from typing import cast

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
    metrics.update(predicted.squeeze(-1), true.squeeze(-1))
    return defined(metrics)


def defined(metrics: MetricCollection) -> dict[str, Float[Tensor, "*targets"]]:
    """What `regression` has accumulated; R² needs two samples, one still has an error."""
    enough = int(cast(Tensor, metrics["r2"].total)) > 1
    return {name: m.compute() for name, m in metrics.items() if name != "r2" or enough}
