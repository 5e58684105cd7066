"""The three figures of a study as plotly's `data` and `layout`, and the pages that hold them.

Plain dictionaries, not `plotly.graph_objects`: a sweep need not import those to write a page.
"""

import math
from collections.abc import Callable
from typing import Any

from trialsmith.study.importance import FEWEST, STEADY, Importance, importances, quantile, usable
from trialsmith.study.page import page, shown
from trialsmith.study.parallel import parallel_coordinates
from trialsmith.study.table import StudyTable, TrialRow
from trialsmith.study.words import quantity

BLUE, ORANGE, GREY, RED = "#1f6feb", "#d9822b", "#9aa5b1", "#c0392b"


def pages(table: StudyTable) -> dict[str, str]:
    """The text of every page of a study by its file name."""
    return {name: text(table) for name, text in PAGES.items()}


def history_page(table: StudyTable) -> str:
    """Every trial's value in the order of the trials, and the best so far."""
    title = f"{table.name}: optimization history"
    if not any(trial.values for trial in table.trials):
        return page(title, f"No trial has a value yet ({len(table.trials)} begun).", None)
    counts = ", ".join(f"{number} {state}" for state, number in table.counts.items() if number)
    best = table.best
    note = (
        counts if best is None else f"{counts}; best {_value(table, best)} in trial {best.number}"
    )
    return page(title, f"{note}.", history(table))


def importances_page(table: StudyTable) -> str:
    """How much each parameter matters, for each objective."""
    title = f"{table.name}: parameter importances"
    found = [importances(table, k) for k in range(len(table.objectives))]
    trials = len(usable(table))
    if not any(found):
        note = f"Importances need {FEWEST} complete trials whose values differ; so far {trials}."
        return page(title, note, None)
    note = (
        f"PED-ANOVA over {trials} complete trials: how much the values among the best "
        f"{quantile(trials):.0%} of the trials differ from those among all. A parameter that only "
        "some trials have is marked with their number."
    )
    if trials < STEADY:
        note += f" Rough as yet: steady from about {STEADY} complete trials."
    return page(title, note, importance_bars(table, found, trials))


def parallel_page(table: StudyTable) -> str:
    """The parameters of the complete trials side by side, coloured by the first objective."""
    title = f"{table.name}: parallel coordinates"
    trials = usable(table)
    if len(trials) < 2:
        return page(title, f"Needs 2 complete trials; so far {len(trials)}.", None)
    note = (
        f"{len(trials)} complete trials, a line each. Drag along an axis to select, drag its name "
        "to move it. “absent” is a parameter that the trial did not have."
    )
    return page(title, note, parallel_coordinates(table, trials))


def history(table: StudyTable) -> dict[str, Any]:
    """One panel an objective: complete trials, pruned ones, the best so far, failures below."""
    data: list[dict[str, Any]] = []
    layout: dict[str, Any] = {
        "height": 200 + 360 * len(table.objectives),
        "template": "none",
        "hovermode": "closest",
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        "margin": {"t": 40, "r": 20},
    }
    panels = len(table.objectives)
    for k, name in enumerate(table.objectives):
        axis = "" if k == 0 else str(k + 1)
        top = 1 - k / panels
        layout[f"yaxis{axis}"] = {
            "title": {"text": _axis(name, table.unit if k == 0 else "")},
            "domain": [top - 1 / panels + (0.08 if k < panels - 1 else 0), top],
            "automargin": True,
            "zeroline": False,
        }
        layout[f"xaxis{axis}"] = {
            "title": {"text": "trial"},
            "anchor": f"y{axis}",
            "zeroline": False,
        } | ({"matches": "x"} if k else {})
        data += [
            trace | {"xaxis": f"x{axis}", "yaxis": f"y{axis}", "showlegend": k == 0}
            for trace in _history_traces(table, k)
        ]
    return {"data": data, "layout": layout}


def _history_traces(table: StudyTable, k: int) -> list[dict[str, Any]]:
    def dots(state: str, **marker: Any) -> dict[str, Any]:
        trials = [t for t in table.trials if t.state == state and _finite(t, k)]
        return {
            "type": "scatter",
            "mode": "markers",
            "name": state,
            "legendgroup": state,
            "x": [trial.number for trial in trials],
            "y": [trial.values[k] for trial in trials],
            "text": [_hover(table, trial) for trial in trials],
            "hoverinfo": "text",
            "marker": marker,
        }

    traces = [
        dots("pruned", color=GREY, symbol="x-thin", size=8, line={"color": GREY, "width": 1.5}),
        dots("complete", color=BLUE, size=8),
    ]
    if len(table.objectives) == 1:
        traces.append(_best_so_far(table))
    else:
        on_front = {trial.number for trial in table.front}
        chosen = [number in on_front for number in traces[1]["x"]]
        traces[1]["marker"]["color"] = [ORANGE if best else BLUE for best in chosen]
        traces[1]["name"] = "complete (orange: Pareto front)"
    return [*traces, _failed(table, k)]


def _best_so_far(table: StudyTable) -> dict[str, Any]:
    numbers: list[int] = []
    values: list[float] = []
    sign = table.signs[0]
    for trial in table.trials:
        better = trial.scored and _finite(trial, 0)
        if better and (not values or sign * trial.values[0] < sign * values[-1]):
            numbers.append(trial.number)
            values.append(trial.values[0])
    if values:
        numbers.append(table.trials[-1].number)
        values.append(values[-1])
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "best so far",
        "x": numbers,
        "y": values,
        "line": {"color": ORANGE, "shape": "hv", "width": 2},
        "hoverinfo": "skip",
    }


def _failed(table: StudyTable, k: int) -> dict[str, Any]:
    """Failed trials have no value: they stand below all others."""
    failed = [trial for trial in table.trials if trial.state == "failed"]
    seen = [trial.values[k] for trial in table.trials if _finite(trial, k)] or [0.0]
    below = min(seen) - 0.05 * ((max(seen) - min(seen)) or 1.0)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "failed",
        "legendgroup": "failed",
        "x": [trial.number for trial in failed],
        "y": [below] * len(failed),
        "text": [_hover(table, trial) for trial in failed],
        "hoverinfo": "text",
        "marker": {"color": RED, "symbol": "triangle-up", "size": 8},
    }


def importance_bars(
    table: StudyTable, found: list[list[Importance]], trials: int
) -> dict[str, Any]:
    """Horizontal bars, the most important parameter (by the first objective) on top."""
    first = next(objective for objective in found if objective)
    keys = [importance.key for importance in reversed(first)]
    data = []
    for name, objective in zip(table.objectives, found, strict=True):
        by_key = {importance.key: importance for importance in objective}
        listed = [by_key[key] for key in keys if key in by_key]
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": shown(name),
                "x": [importance.share for importance in listed],
                "y": [_key_label(importance, trials) for importance in listed],
                "text": [f"{importance.share:.1%}" for importance in listed],
                "textposition": "outside",
                "cliponaxis": False,
                "hoverinfo": "none",
            }
        )
    layout = {
        "height": 140 + 30 * len(keys) * len(found),
        "template": "none",
        "showlegend": len(found) > 1,
        "barmode": "group",
        "margin": {"t": 20, "r": 60},
        "xaxis": {"title": {"text": "share of the importance"}, "tickformat": ".0%"},
        "yaxis": {"automargin": True, "type": "category"},
    }
    return {"data": data, "layout": layout}


def _key_label(importance: Importance, trials: int) -> str:
    part = "" if importance.trials == trials else f" ({importance.trials} of {trials} trials)"
    return f"{shown(importance.key)}{part}  "


def _hover(table: StudyTable, trial: TrialRow) -> str:
    lines = [f"<b>trial {trial.number}</b> {trial.failure or trial.state}"]
    units = [shown(table.unit) if table.unit else ""] + [""] * len(table.objectives)
    lines += [
        f"{shown(name)}: {quantity(value, unit)}"
        for name, value, unit in zip(table.objectives, trial.values, units, strict=False)
    ]
    lines += [shown(trial.message, 80)] if trial.message else []
    lines += [f"{shown(key)} = {shown(value)}" for key, value in trial.params.items()]
    return "<br>".join(lines)


def _axis(name: str, unit: str) -> str:
    return f"{shown(name)} ({shown(unit)})" if unit else shown(name)


def _value(table: StudyTable, trial: TrialRow) -> str:
    return quantity(trial.values[0], table.unit)


def _finite(trial: TrialRow, k: int) -> bool:
    return len(trial.values) > k and math.isfinite(trial.values[k])


PAGES: dict[str, Callable[[StudyTable], str]] = {
    "optimization_history.html": history_page,
    "param_importances.html": importances_page,
    "parallel_coordinate.html": parallel_page,
}
