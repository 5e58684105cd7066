"""The pictures of a comparison as plotly's `data` and `layout`."""

import math
from itertools import cycle
from typing import Any

from trialsmith.study.figures import BLUE, GREY, ORANGE
from trialsmith.study.page import shown
from trialsmith.study.stages.comparison import Comparison
from trialsmith.study.stages.configuration import Configuration
from trialsmith.study.stages.controls import Controls
from trialsmith.study.stages.decision import HEALTHY
from trialsmith.study.stages.estimate import Estimate

COLOURS = (BLUE, ORANGE, "#2e8b57", "#8e44ad", "#c0392b", "#16a2b8", "#8c6d31", "#5b6770")
DISTINCT = len(COLOURS)  # rows that a picture of curves shows at first; a click shows others


def figures(comparison: Comparison) -> dict[str, dict[str, Any]]:
    """Every picture there is something for, by its heading."""
    drawn = {"Validation MAE by fused layers": errors(comparison)}
    if comparison.controls is not None:
        drawn["What the text is worth"] = control_intervals(comparison.controls, comparison.unit)
    if any(row.runs[0].weights for row in comparison.rows):
        drawn["Ratio of graph to text over the epochs"] = ratios(comparison)
    if any(row.runs[0].train_loss for row in comparison.rows):
        drawn["Loss over the epochs"] = losses(comparison)
    return drawn


def errors(comparison: Comparison) -> dict[str, Any]:
    """Validation and test MAE of every row, with their intervals."""
    labels = [shown(comparison.label(row)) for row in comparison.rows]
    splits = {
        "validation": (BLUE, [row.val_mae for row in comparison.rows]),
        "test": (GREY, [row.test_mae for row in comparison.rows]),
    }
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": name,
            "x": labels,
            "y": [_known(estimate.mean) for estimate in estimates],
            "error_y": _bars(estimates),
            "marker": {"color": colour, "size": 9},
        }
        for name, (colour, estimates) in splits.items()
    ]
    axis = f"MAE ({shown(comparison.unit)})" if comparison.unit else "MAE"
    layout = _layout("", axis)
    layout["xaxis"]["type"] = "category"  # "1" is a name here
    return {"data": data, "layout": layout}


def control_intervals(found: Controls, unit: str) -> dict[str, Any]:
    """Each arm's mean and 95 % interval."""
    estimates = [arm.mae for arm in found.arms]
    data = {
        "type": "scatter",
        "mode": "markers",
        "x": [arm.name for arm in found.arms],
        "y": [_known(estimate.mean) for estimate in estimates],
        "error_y": _bars(estimates),
        "marker": {"color": ORANGE, "size": 10},
    }
    axis = f"{found.split} MAE ({shown(unit)})" if unit else f"{found.split} MAE"
    return {"data": [data], "layout": _layout("", axis)}


def ratios(comparison: Comparison) -> dict[str, Any]:
    """(1 + w_graph)/w_text of each row's first seed and fused layer; the healthy range is grey."""
    data = []
    for k, row in enumerate(comparison.rows):
        for layer, dash in zip(row.layers, cycle(("solid", "dash", "dot")), strict=False):
            points = [weights for weights in row.runs[0].weights if weights.layer == layer]
            if not points:
                continue
            name = f"{comparison.label(row)}: layer {layer}"
            epochs = [point.epoch for point in points]
            data.append(_line(name, epochs, [point.ratio for point in points], k, dash))
    low, high = HEALTHY
    place = {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": low, "y1": high}
    look = {"fillcolor": GREY, "opacity": 0.18, "line": {"width": 0}, "layer": "below"}
    layout = _layout("epoch", "(1 + w_graph) / w_text") | {"shapes": [place | look]}
    return {"data": data, "layout": layout}


def losses(comparison: Comparison) -> dict[str, Any]:
    """Training (dotted) and validation loss of each row's first seed."""
    data = []
    for k, row in enumerate(comparison.rows):
        data += _curves(comparison.label(row), row, k)
    layout = _layout("epoch", "loss")
    layout["yaxis"]["type"] = "log"
    return {"data": data, "layout": layout}


def _curves(label: str, row: Configuration, k: int) -> list[dict[str, Any]]:
    run = row.runs[0]
    curves = (("train", run.train_loss, "dot"), ("validation", run.val_loss, "solid"))
    return [
        _line(f"{label}: {split}", list(range(1, len(loss) + 1)), list(loss), k, dash)
        for split, loss, dash in curves
    ]


def _line(name: str, x: list[int], y: list[float], k: int, dash: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": shown(name, 60),
        "x": x,
        "y": [_known(value) for value in y],
        "line": {"color": COLOURS[k % len(COLOURS)], "dash": dash},
        "visible": True if k < DISTINCT else "legendonly",
    }


def _bars(estimates: list[Estimate]) -> dict[str, Any]:
    widths = [estimate.half_width for estimate in estimates]
    return {"type": "data", "array": [_known(width) for width in widths], "visible": True}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _layout(x: str, y: str) -> dict[str, Any]:
    return {
        "height": 420,
        "template": "none",
        "hovermode": "closest",
        "margin": {"t": 20, "r": 20},
        "xaxis": {"title": {"text": x}, "automargin": True, "zeroline": False},
        "yaxis": {"title": {"text": y}, "automargin": True, "zeroline": False},
    }
