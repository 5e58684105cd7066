"""The error of the mean of several runs' predictions: what an ensemble of them is worth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def ensemble_errors(
    folders: Sequence[Path], units: dict[str, str]
) -> dict[str, dict[str, float]] | None:
    """Errors of the mean of the predictions on the split that was scored last, by target.

    None where there is one run, where the split differs, and for classes, whose probabilities the
    runs do not leave.
    """
    import torch

    from trialsmith.metrics import score

    if len(folders) < 2:
        return None
    true = [np.load(folder / "y_true.npy") for folder in folders]
    predicted = [np.load(folder / "y_pred.npy") for folder in folders]
    same = all(np.array_equal(other, true[0]) for other in true[1:])
    if not same or predicted[0].ndim != 2:
        return None
    mean = torch.from_numpy(np.mean(predicted, axis=0, dtype=np.float64).astype(np.float32))
    errors: dict[str, Any] = score(mean, torch.from_numpy(true[0]))
    return {
        target: {name: float(value.reshape(-1)[k]) for name, value in errors.items()}
        for k, target in enumerate(units)
    }
