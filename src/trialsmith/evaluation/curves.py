"""Loss and score over the epochs."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from trialsmith.evaluation.paper import BLUE, GREY, ORANGE, dress, sheet

Row = Mapping[str, float]


def learning_curves(
    rows: Sequence[Row], monitor: str, lower_is_better: bool, unit: str = ""
) -> Figure:
    """Training and validation loss, and beside them what is monitored, with its best epoch.

    Args:
        rows: one an epoch, with `epoch` and the metrics it has.
        monitor: the metric that scores the run.
        unit: of the metric; empty where it has none.
    """
    figure = sheet(9.6, 3.8)
    left, right = figure.subplots(1, 2)
    for name, label, colour in (
        ("train/loss", "training", BLUE),
        ("val/loss", "validation", ORANGE),
    ):
        _curve(left, rows, name, label, colour)
    dress(left, "loss", "epoch", "loss")
    if left.lines:
        left.legend(frameon=False, fontsize=11)
    _curve(right, rows, monitor, monitor, ORANGE)
    dress(right, monitor, "epoch", f"{monitor} ({unit})" if unit else monitor)
    epochs, values = _points(rows, monitor)
    if len(values):
        best = int(np.argmin(values) if lower_is_better else np.argmax(values))
        label = f"best {values[best]:.4g}{unit and ' '}{unit} in epoch {epochs[best]:.0f}"
        right.plot(epochs[best], values[best], "o", color=GREY, markersize=7, label=label)
        right.legend(frameon=False, fontsize=11)
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        _scale(axes)
    return figure


def _points(rows: Sequence[Row], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Epochs and values where there is a finite one."""
    points = [(row["epoch"], row[name]) for row in rows if name in row]
    array = np.array(points, float).reshape(-1, 2)
    return tuple(array[np.isfinite(array[:, 1])].T)


def _curve(axes: Axes, rows: Sequence[Row], name: str, label: str, colour: str) -> None:
    epochs, values = _points(rows, name)
    if len(values):
        marker = "o" if len(values) < 8 else None  # a lone epoch would be no line
        axes.plot(epochs, values, color=colour, linewidth=2, marker=marker, label=label)


def _scale(axes: Axes) -> None:
    """Logarithmic where values are positive and span more than a decade."""
    values = [line.get_ydata() for line in axes.lines]
    together = np.concatenate([np.asarray(v, float).reshape(-1) for v in values] or [np.ones(1)])
    if together.min() > 0 and together.max() > 10 * together.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=9))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
