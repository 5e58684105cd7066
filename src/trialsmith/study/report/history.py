"""How the search went: every trial's value, and the best so far."""

from typing import Any

from trialsmith.study.report.baseline import Baseline
from trialsmith.study.report.dots import axis_title, dots, number, value, valued
from trialsmith.study.report.section import Drawing, Section, compact, counted, numbered
from trialsmith.study.report.span import Span, span_of
from trialsmith.study.table import StudyTable, TrialRow
from trialsmith.study.words import quantity


def history(table: StudyTable, before: Baseline | None) -> Section | None:
    """One panel an objective; None before any trial has a value."""
    drawings = [
        drawing
        for k in range(len(table.objectives))
        if (drawing := _panel(table, k, before)) is not None
    ]
    if not drawings:
        return None
    lead = _lead(table) if len(table.objectives) == 1 else "Every trial's values, in their order."
    return Section("history", "History", lead, drawings)


def leaders(table: StudyTable, k: int = 0) -> list[TrialRow]:
    """The trials that were the best when they ended, in order of their numbers."""
    found: list[TrialRow] = []
    sign = table.signs[k]
    for trial in valued(table, k, "complete"):
        if not trial.scored:
            continue
        if not found or sign * trial.values[k] < sign * found[-1].values[k]:
            found.append(trial)
    return found


def _lead(table: StudyTable) -> str:
    led = leaders(table)
    if not led:
        return "No trial is complete yet."
    last, total = led[-1], len(table.trials)
    since = total - 1 - last.number
    text = f"The best was found as trial {last.number} of {total:,}"
    if since > 0:
        text += f", {numbered(since, 'trial')} ago"
    if len(led) > 1:
        gain = quantity(abs(last.values[0] - led[-2].values[0]), table.unit)
        text += f"; it was {gain} better than the one before it"
    return f"{text}."


def _panel(table: StudyTable, k: int, before: Baseline | None) -> Drawing | None:
    complete, pruned = valued(table, k, "complete"), valued(table, k, "pruned")
    if not complete and not pruned:
        return None
    led = leaders(table, k)
    chosen = [before.trial] if before and before.trial in complete else []
    kept = [trial.values[k] for trial in [*led[-1:], *chosen]]
    span = span_of([trial.values[k] for trial in complete or pruned], kept)
    failed = [trial for trial in table.trials if trial.state == "failed"] if k == 0 else []
    data = [
        dots("pruned", pruned, number, value(k)),
        dots("complete", complete, number, value(k)),
        _steps(table, led, k),
        dots("baseline", chosen, number, value(k)),
        *([dots("best", led[-1:], number, value(k))] if len(table.objectives) == 1 else []),
    ]
    if len(table.objectives) > 1:
        data.append(dots("front", [t for t in table.front if t in complete], number, value(k)))
    layout: dict[str, Any] = {
        "yaxis": {"title": axis_title(table, k), **span.axis(), "domain": [0, 1]},
        "xaxis": {"title": {"text": "trial"}, "anchor": "y", **_numbers(table)},
        "showlegend": True,
    }
    if failed:
        data.append(dots("failed", failed, number, lambda _: 0, yaxis="y2"))
        layout["yaxis"]["domain"] = [0.1, 1]
        layout["yaxis2"] = {"domain": [0, 0.05], "visible": False, "fixedrange": True}
        layout["xaxis"]["anchor"] = "y2"
    return Drawing(
        [trace for trace in data if trace["x"]], layout, height=400, note=_outside(table, span, k)
    )


def _numbers(table: StudyTable) -> dict[str, Any]:
    """The axis of the trials' numbers, with a little room on both sides."""
    last = table.trials[-1].number
    return {"range": [-0.02 * last - 0.5, 1.02 * last + 0.5], **counted(last)}


def _outside(table: StudyTable, span: Span, k: int) -> str:
    if not span.hidden:
        return ""
    return (
        f"{numbered(span.hidden, 'value')} of {table.objectives[k]} far from the rest "
        f"{'is' if span.hidden == 1 else 'are'} outside the picture; a double click shows all."
    )


def _steps(table: StudyTable, led: list[TrialRow], k: int) -> dict[str, Any]:
    """The best so far: drawn as it steps, up to the last trial."""
    x = [trial.number for trial in led]
    y = [compact(trial.values[k]) for trial in led]
    if led:
        x.append(table.trials[-1].number)
        y.append(y[-1])
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "best so far",
        "x": x,
        "y": y,
        "line": {"color": "--best", "shape": "hv", "width": 2},
        "hoverinfo": "skip",
    }
