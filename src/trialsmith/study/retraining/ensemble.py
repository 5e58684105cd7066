"""The error of the mean of several runs' predictions: what an ensemble of them is worth."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Num


def ensemble_errors(
    folders: Sequence[Path], units: dict[str, str]
) -> dict[str, dict[str, float]] | None:
    """Errors of the mean of the predictions on the split that was scored last, by target.

    Of classes it is the mean of their probabilities. None where there is one run, and where the
    split differs.
    """
    import torch

    from trialsmith.metrics import score, score_classes

    if len(folders) < 2:
        return None
    true = [np.load(folder / "y_true.npy") for folder in folders]
    if not all(np.array_equal(other, true[0]) for other in true[1:]):
        return None
    predicted = np.mean([_predicted(folder) for folder in folders], axis=0, dtype=np.float64)
    mean = torch.from_numpy(predicted.astype(np.float32))
    errors = (score_classes if true[0].ndim == 1 else score)(mean, torch.from_numpy(true[0]))
    return {
        target: {name: float(value.reshape(-1)[k]) for name, value in errors.items()}
        for k, target in enumerate(units)
    }


def _predicted(folder: Path) -> Num[np.ndarray, "samples outputs"]:
    """Values of the targets, or probabilities of the classes."""
    classes = folder / "y_prob.npy"
    return np.load(classes if classes.is_file() else folder / "y_pred.npy")
