"""Predicted against true values of one target, and what is left between them."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from trialsmith.evaluation.paper import BLUE, GREY, ORANGE, dress, sheet

BOX = 0.45, 0.25  # width and height of the metrics' box, shares of the axes
MANY = 1500  # points; above, they hide each other and their density is drawn


def parity(
    true: Float[np.ndarray, "samples"],
    predicted: Float[np.ndarray, "samples"],
    errors: Mapping[str, float],
    name: str,
    unit: str,
    split: str,
) -> Figure:
    """Predicted against true, beside it the residual against what was predicted.

    Args:
        errors: `mae`, `rmse` and, where it is defined, `r2`.
        split: whose values they are.
    """
    in_unit = f" ({unit})" if unit else ""
    figure = sheet(11.0, 4.9)
    left, right = figure.subplots(1, 2)

    low, high = _range(np.concatenate([true, predicted]))
    cloud = _points(left, true, predicted, (low, high, low, high))
    left.plot([low, high], [low, high], color=GREY, linewidth=1.2, linestyle="--", zorder=3)
    left.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    dress(left, f"{name.replace('_', ' ')}, {split}", f"true{in_unit}", f"predicted{in_unit}")
    across, up = (true - low) / (high - low), (predicted - low) / (high - low)
    above = np.sum((across < BOX[0]) & (up > 1 - BOX[1]))
    below = np.sum((across > 1 - BOX[0]) & (up < BOX[1]))
    _box(left, len(true), errors, unit, above=bool(above <= below))

    residual = predicted - true
    start, end = _range(predicted)
    reach = 1.08 * max(float(np.abs(residual).max()), 1e-12)
    _points(right, predicted, residual, (start, end, -reach, reach))
    rmse = errors["rmse"]
    right.axhspan(-rmse, rmse, color=ORANGE, alpha=0.12, linewidth=0, zorder=0.5)
    right.axhline(0, color=GREY, linewidth=1.2, linestyle="--")
    right.set(xlim=(start, end), ylim=(-reach, reach))
    dress(right, "residuals, ± RMSE shaded", f"predicted{in_unit}", f"predicted − true{in_unit}")
    _histogram(right, residual, reach)
    if cloud is not None:
        figure.colorbar(cloud, ax=left, label="samples", pad=0.02, shrink=0.9)
    return figure


def _range(values: Float[np.ndarray, "values"]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.05 * (high - low) or 0.5
    return low - margin, high + margin


def _points(
    axes: Axes,
    x: Float[np.ndarray, "samples"],
    y: Float[np.ndarray, "samples"],
    extent: tuple[float, float, float, float],
) -> PolyCollection | None:
    """Points, or hexagons by how many there are in each; returns the latter."""
    if len(x) > MANY:
        options = {"gridsize": 60, "mincnt": 1, "norm": LogNorm(), "cmap": "viridis"}
        return axes.hexbin(x, y, extent=extent, linewidths=0.1, **options)  # type: ignore[arg-type]
    axes.scatter(x, y, s=22, color=BLUE, alpha=0.6, edgecolors="white", linewidths=0.4)
    return None


def _histogram(axes: Axes, residual: Float[np.ndarray, "samples"], reach: float) -> None:
    """How the residuals are distributed, right of them."""
    edge = axes.inset_axes((1.01, 0.0, 0.16, 1.0), sharey=axes)
    bins = np.linspace(-reach, reach, 31).tolist()
    edge.hist(residual, bins=bins, orientation="horizontal", color=GREY, alpha=0.35)
    edge.axis("off")


def _box(axes: Axes, samples: int, errors: Mapping[str, float], unit: str, above: bool) -> None:
    """The metrics, above or below the diagonal: where fewer points are hidden."""
    suffix = f" {unit}" if unit else ""
    lines = [f"MAE = {errors['mae']:.3g}{suffix}", f"RMSE = {errors['rmse']:.3g}{suffix}"]
    lines += [f"R² = {errors['r2']:.3f}"] if "r2" in errors else []
    lines += [f"n = {samples}"]
    axes.text(
        *((0.04, 0.96) if above else (0.96, 0.04)),
        "\n".join(lines),
        transform=axes.transAxes,
        fontsize=11,
        verticalalignment="top" if above else "bottom",
        horizontalalignment="left" if above else "right",
        bbox={"boxstyle": "round", "facecolor": "white", "edgecolor": GREY, "alpha": 0.85},
        zorder=4,
    )
