"""Parallel coordinates in which a parameter may be absent from some of the trials."""

import math
from collections.abc import Sequence
from typing import Any

from optuna.distributions import FloatDistribution, IntDistribution

from trialsmith.study.page import short, shown
from trialsmith.study.table import StudyTable, TrialRow

LANE = 0.15  # how far below an axis, in its own length, the trials without the parameter pass
TICKS = 5
WIDEST = 10  # axes that a page has room for; with more it scrolls


def parallel_coordinates(table: StudyTable, trials: Sequence[TrialRow]) -> dict[str, Any]:
    """One line a trial: the objectives first, then every parameter that differs."""
    objectives = [
        _values_axis(name, [trial.values[k] for trial in trials])
        for k, name in enumerate(table.objectives)
        if all(math.isfinite(trial.values[k]) for trial in trials)
    ]
    keys = [key for key in table.keys if any(key in trial.params for trial in trials)]
    colours = [trial.values[0] for trial in trials]
    trace: dict[str, Any] = {
        "type": "parcoords",
        "dimensions": objectives + [_parameter_axis(key, trials) for key in keys],
        "line": {
            "color": colours,
            "colorscale": "Viridis",
            "reversescale": table.directions[0] == "minimize",
            "showscale": True,
            "colorbar": {"title": {"text": shown(table.objectives[0], 20)}},
        },
        "labelangle": -20,
        "labelside": "bottom",
    }
    layout: dict[str, Any] = {
        "height": 620,
        "template": "none",
        "margin": {"t": 40, "b": 140, "l": 90, "r": 40},
    }
    if (axes := len(trace["dimensions"])) > WIDEST:
        layout["width"] = 110 * axes
    return {"data": [trace], "layout": layout}


def _parameter_axis(key: str, trials: Sequence[TrialRow]) -> dict[str, Any]:
    spaces = [trial.sampled[key][1] for trial in trials if key in trial.sampled]
    numeric = [space for space in spaces if isinstance(space, FloatDistribution | IntDistribution)]
    if not spaces or len(numeric) < len(spaces):
        return _choices_axis(key, trials)
    values = [float(t.params[key]) if key in t.params else None for t in trials]
    whole = all(isinstance(space, IntDistribution) for space in numeric)
    return _values_axis(key, values, log=all(space.log for space in numeric), whole=whole)


def _values_axis(
    name: str, values: Sequence[float | None], log: bool = False, whole: bool = False
) -> dict[str, Any]:
    """A numeric axis, logarithmic or not; None passes through the lane below it."""
    placed = [v if v is None or not log else math.log10(v) for v in values]
    known = [value for value in placed if value is not None]
    low, high = min(known), max(known)
    if low == high:
        low, high = low - 0.5, high + 0.5
    ticks = [low + (high - low) * k / (TICKS - 1) for k in range(TICKS)]
    if whole and not log:
        ticks = sorted({float(round(tick)) for tick in ticks if low <= round(tick) <= high})
    labels = [f"{10**tick if log else tick:.3g}" for tick in ticks]
    return _axis(name, placed, low, high, ticks, labels)


def _choices_axis(name: str, trials: Sequence[TrialRow]) -> dict[str, Any]:
    """One tick a choice; values that look alike when cut share one."""
    # ticks are plain text, unlike every other label
    labels = [short(t.params[name], 16) if name in t.params else None for t in trials]
    order = sorted({label for label in labels if label is not None}, key=natural)
    placed = [None if label is None else float(order.index(label)) for label in labels]
    top = max(len(order) - 1, 1)
    return _axis(name, placed, 0.0, float(top), [float(k) for k in range(len(order))], order)


def _axis(
    name: str,
    placed: Sequence[float | None],
    low: float,
    high: float,
    ticks: list[float],
    labels: list[str],
) -> dict[str, Any]:
    if None in placed:
        lane = low - LANE * (high - low)
        placed = [lane if value is None else value for value in placed]
        low, ticks, labels = lane, [lane, *ticks], ["absent", *labels]
    return {
        "label": shown(name),
        "values": list(placed),
        "range": [low, high],
        "tickvals": ticks,
        "ticktext": labels,
    }


def natural(label: str) -> tuple[float, str]:
    """The order of choices on an axis: numbers by size, then texts by the alphabet."""
    try:
        return float(label), label
    except ValueError:
        return math.inf, label
