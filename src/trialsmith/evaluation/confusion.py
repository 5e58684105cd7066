"""Which classes are taken for which."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Int
from matplotlib.figure import Figure

from trialsmith.evaluation.paper import sheet


def confusion(
    true: Int[np.ndarray, "samples"],
    predicted: Int[np.ndarray, "samples"],
    classes: Sequence[str],
    scores: Mapping[str, float],
    split: str,
) -> Figure:
    """A row for each true class; colours are shares of the row, numbers are counts."""
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (true, predicted), 1)
    share = counts / counts.sum(1, keepdims=True).clip(min=1)
    size = 3.0 + 0.55 * len(classes)
    figure = sheet(size + 0.8, size)
    axes = figure.subplots()
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.argwhere(counts):
        colour = "white" if share[i, j] > 0.6 else "black"
        axes.text(j, i, counts[i, j], ha="center", va="center", color=colour, fontsize=10)
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right", fontsize=11)
    axes.set_yticks(range(len(classes)), classes, fontsize=11)
    axes.set_xlabel("predicted", fontsize=12)
    axes.set_ylabel("true", fontsize=12)
    axes.set_title(
        f"{split}: accuracy {scores['accuracy']:.3f}, weighted F1 {scores['f1']:.3f}, "
        f"n = {len(true)}",
        fontsize=12,
    )
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    return figure
