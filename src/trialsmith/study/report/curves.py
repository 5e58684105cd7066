"""What the trials reported on the way: the curves, and where pruning cut them."""

import math
from collections.abc import Sequence
from typing import Any

from trialsmith.study.report.baseline import Baseline
from trialsmith.study.report.dots import axis_title
from trialsmith.study.report.section import Drawing, Section, compact, counted, spread
from trialsmith.study.report.span import span_of
from trialsmith.study.table import StudyTable, TrialRow

MOST = 100  # curves of a state that are drawn: more would be a carpet
FAILED = 20  # of those that failed
POINTS = 60  # of a curve


def curves(table: StudyTable, before: Baseline | None) -> Section | None:
    """One line a trial; None where no trial reported anything on the way."""
    reported = [trial for trial in table.trials if _points(trial)]
    if not any(len(trial.reports) > 1 for trial in reported):
        return None
    groups = {
        state: [trial for trial in reported if trial.state == state]
        for state in ("failed", "pruned", "complete", "running")
    }
    drawn = {state: _chosen(table, trials, MOST) for state, trials in groups.items()}
    drawn["failed"] = _chosen(table, groups["failed"], FAILED)
    traces = [_lines(state, trials) for state, trials in drawn.items() if trials]
    traces += [_ends(drawn["pruned"])] if drawn["pruned"] else []
    traces += _marked(table, before)
    lead = _lead([max(trial.reports) + 1 for trial in groups["pruned"]])
    shown, total = sum(map(len, drawn.values())), len(reported)
    note = f"{shown} of {total:,} curves, from the best to the worst of each kind."
    note *= shown < total
    return Section("curves", "Learning curves", lead, [_drawing(table, drawn, traces)], note)


def _lead(stopped: list[int]) -> str:
    """When pruning stopped trials: `stopped` are their last epochs."""
    if not stopped:
        return "No trial was pruned."
    if len(stopped) == 1:
        return f"One trial was pruned, after epoch {stopped[0]}."
    middle = sorted(stopped)[(len(stopped) - 1) // 2]
    return f"{len(stopped):,} trials were pruned, half of them by epoch {middle}."


def _drawing(
    table: StudyTable, drawn: dict[str, list[TrialRow]], traces: list[dict[str, Any]]
) -> Drawing:
    # what diverges or begins far away must not squeeze the curves that matter
    whole = drawn["complete"] or drawn["pruned"] or drawn["running"] or drawn["failed"]
    seen = [value for trial in whole for _, value in _points(trial)]
    span = span_of(seen, [table.best.values[0]] if table.best else [])
    epochs = max(step for trials in drawn.values() for t in trials for step, _ in _points(t))
    layout = {
        "xaxis": {"title": {"text": "epoch"}, **counted(epochs)},
        "yaxis": {"title": axis_title(table, 0), **span.axis()},
        "showlegend": True,
    }
    return Drawing(traces, layout, height=400)


def _points(trial: TrialRow) -> list[tuple[int, float]]:
    """Epochs (from 1) and finite values."""
    return [(step + 1, v) for step, v in sorted(trial.reports.items()) if math.isfinite(v)]


def _chosen(table: StudyTable, trials: Sequence[TrialRow], most: int) -> list[TrialRow]:
    """At most `most` of `trials`, from the best last report to the worst."""
    if len(trials) <= most:
        return list(trials)
    sign = table.signs[0]
    return spread(sorted(trials, key=lambda trial: sign * _points(trial)[-1][1]), most)


def _lines(state: str, trials: Sequence[TrialRow]) -> dict[str, Any]:
    """All curves of a state as one line with gaps: a thousand traces would take a minute."""
    x: list[int | None] = []
    y: list[float | int | None] = []
    numbers: list[int | None] = []
    for trial in trials:
        for step, value in spread(_points(trial), POINTS):
            x.append(step)
            y.append(compact(value))
            numbers.append(trial.number)
        x.append(None)
        y.append(None)
        numbers.append(None)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": state,
        "x": x,
        "y": y,
        "customdata": numbers,
        "hoverinfo": "none",
        "line": {"color": f"--{state}", "width": 1.2},
        "opacity": max(0.3, min(0.8, 8 / len(trials))),
    }


def _ends(pruned: Sequence[TrialRow]) -> dict[str, Any]:
    """A cross where each pruned trial was stopped."""
    last = [_points(trial)[-1] for trial in pruned]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "pruned here",
        "x": [step for step, _ in last],
        "y": [compact(value) for _, value in last],
        "customdata": [trial.number for trial in pruned],
        "hoverinfo": "none",
        "marker": {
            "symbol": "x-thin",
            "size": 6,
            "color": "--pruned",
            "line": {"width": 1.5, "color": "--pruned"},
        },
    }


def _marked(table: StudyTable, before: Baseline | None) -> list[dict[str, Any]]:
    found = []
    if before is not None and _points(before.trial):
        look = {"color": "--ink", "width": 2, "dash": "dot"}
        found.append(_lines("baseline", [before.trial]) | {"line": look, "opacity": 1})
    if table.best is not None and _points(table.best):
        look = {"color": "--best", "width": 3}
        name = f"best (trial {table.best.number})"
        found.append(_lines("best", [table.best]) | {"name": name, "line": look, "opacity": 1})
    return found
