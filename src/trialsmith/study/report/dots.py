"""Trials as points of a figure: one look for each state, on whatever axes."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from trialsmith.study.report.section import compact
from trialsmith.study.table import StudyTable, TrialRow

MARKS: dict[str, dict[str, Any]] = {
    "pruned": {"color": "--pruned", "symbol": "x-thin", "line": {"color": "--pruned", "width": 1}},
    "complete": {"color": "--complete", "symbol": "circle"},
    "best": {"color": "--best", "symbol": "circle"},
    "front": {"color": "--best", "symbol": "circle"},
    "baseline": {
        "color": "--surface",
        "symbol": "diamond",
        "line": {"color": "--ink", "width": 2},
    },
    "failed": {"color": "--failed", "symbol": "triangle-up"},
}


def dots(
    name: str,
    trials: Sequence[TrialRow],
    x: Callable[[TrialRow], Any],
    y: Callable[[TrialRow], Any],
    size: int | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A trace of `trials`, that looks as `name` in `MARKS`; its points know their trials."""
    crowded = len(trials) > 400
    usual = {"best": 12, "front": 10, "baseline": 10}.get(name, 5 if crowded else 8)
    look = {"size": size or usual, "opacity": 0.55 if crowded else 0.9, **MARKS[name]}
    if name in ("best", "front", "baseline"):
        look["opacity"] = 1
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [x(trial) for trial in trials],
        "y": [y(trial) for trial in trials],
        "customdata": [trial.number for trial in trials],
        "hoverinfo": "none",  # the page shows the trial itself
        "marker": look,
        **more,
    }


def value(k: int) -> Callable[[TrialRow], float | int | None]:
    """A trial's k-th value."""
    return lambda trial: compact(trial.values[k])


def number(trial: TrialRow) -> int:
    """A trial's number."""
    return trial.number


def valued(table: StudyTable, k: int, *states: str) -> list[TrialRow]:
    """The trials in one of `states` whose k-th value is a finite number."""
    return [
        trial
        for trial in table.trials
        if trial.state in states and len(trial.values) > k and math.isfinite(trial.values[k])
    ]


def axis_title(table: StudyTable, k: int) -> dict[str, str]:
    """The k-th objective and its unit, as an axis is titled."""
    from trialsmith.study.page import shown

    unit = f" ({shown(table.unit)})" if table.unit and k == 0 else ""
    return {"text": f"{shown(table.objectives[k])}{unit}"}
