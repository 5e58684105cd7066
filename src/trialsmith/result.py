"""What a trained model is worth: its predictions at the best epoch, and their errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from jaxtyping import Float

from trialsmith.metrics import score


@dataclass(frozen=True)
class Predictions:
    """Predicted and true values of one split, in the targets' own units."""

    ids: list[str]
    predicted: Float[np.ndarray, "samples targets"]
    true: Float[np.ndarray, "samples targets"]

    def errors(self, targets: Sequence[Any]) -> dict[str, dict[str, float]]:
        """MAE, RMSE and R² of each target by its name."""
        metrics = score(torch.from_numpy(self.predicted), torch.from_numpy(self.true))
        return {
            target.name: {name: float(value.reshape(-1)[k]) for name, value in metrics.items()}
            for k, target in enumerate(targets)
        }

    def summary(self, targets: Sequence[Any]) -> str:
        """The errors on one line, with the targets' units."""
        lines = []
        for target, error in zip(targets, self.errors(targets).values(), strict=True):
            unit = f" {target.unit}" if target.unit else ""
            r2 = f", R² {error['r2']:.3f}" if "r2" in error else ""
            lines.append(
                f"{target.name} MAE {error['mae']:.4g}{unit}, RMSE {error['rmse']:.4g}{unit}{r2}"
            )
        return "; ".join(lines)


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
        true=torch.cat(true).float().cpu().numpy(),
    )
