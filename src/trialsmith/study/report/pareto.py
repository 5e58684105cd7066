"""Several objectives: the trials that no other one beats in all of them."""

from itertools import combinations
from typing import Any

from trialsmith.study.report.baseline import Baseline, without
from trialsmith.study.report.dots import axis_title, dots, value, valued
from trialsmith.study.report.section import Drawing, Section, compact
from trialsmith.study.report.span import span_of
from trialsmith.study.table import StudyTable, TrialRow

PAIRS = 6  # of objectives that have a picture


def pareto(table: StudyTable, before: Baseline | None) -> Section | None:
    """A picture for each pair of objectives; None for a single one, or before there is a front."""
    if len(table.objectives) < 2 or not table.front:
        return None
    pairs = list(combinations(range(len(table.objectives)), 2))[:PAIRS]
    drawings = [_pair(table, a, b, before) for a, b in pairs]
    lead = (
        f"Of {table.counts['complete']:,} complete trials {len(table.front)} are on the front: "
        f"none of them is beaten in every objective by another. {_against(table, before)}"
    )
    note = "" if len(pairs) == 1 else "Of three objectives or more the front is seen pair by pair."
    return Section("pareto", "Pareto front", lead, drawings, note, small=len(pairs) > 1)


def _against(table: StudyTable, before: Baseline | None) -> str:
    """What the front has over the baseline."""
    if before is None:
        return without(table)
    trial = f"The baseline, trial {before.trial.number} ({before.why}),"
    if not before.trial.scored:
        return f"{trial} has no score: {before.trial.failure or before.trial.state}."
    if before.trial in table.front:
        return f"{trial} is one of them."
    better = sum(table.dominates(other, before.trial) for other in table.front)
    return f"{trial} is beaten by {better} of them."


def _pair(table: StudyTable, a: int, b: int, before: Baseline | None) -> Drawing:
    finite = {trial.number for trial in valued(table, b, "complete")}
    complete = [trial for trial in valued(table, a, "complete") if trial.number in finite]
    best = {trial.number for trial in table.front}
    front = sorted((t for t in complete if t.number in best), key=lambda t: t.values[a])
    marked = [before.trial] if before and before.trial in complete else []
    kept = [*front, *marked]
    x = span_of([t.values[a] for t in complete], [t.values[a] for t in kept])
    y = span_of([t.values[b] for t in complete], [t.values[b] for t in kept])
    data = [
        dots("complete", [t for t in complete if t.number not in best], value(a), value(b)),
        *([_edge(table, front, a, b)] if len(table.objectives) == 2 else []),
        dots("front", front, value(a), value(b)),
        dots("baseline", marked, value(a), value(b)),
    ]
    layout = {
        "xaxis": {"title": _better(table, a), **x.axis()},
        "yaxis": {"title": _better(table, b), **y.axis()},
        "showlegend": True,
    }
    return Drawing([trace for trace in data if trace["x"]], layout, height=420)


def _better(table: StudyTable, k: int) -> dict[str, str]:
    arrow = "lower is better" if table.directions[k] == "minimize" else "higher is better"
    return {"text": f"{axis_title(table, k)['text']}, {arrow}"}


def _edge(table: StudyTable, front: list[TrialRow], a: int, b: int) -> dict[str, Any]:
    """The border of what was reached, in steps."""
    shape = "hv" if table.directions[a] == "minimize" else "vh"
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "reached",
        "showlegend": False,
        "x": [compact(trial.values[a]) for trial in front],
        "y": [compact(trial.values[b]) for trial in front],
        "line": {"color": "--best", "width": 1.5, "shape": shape},
        "hoverinfo": "skip",
    }
