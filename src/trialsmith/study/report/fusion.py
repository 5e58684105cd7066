"""What the best trial's fusion did with the text, from its `fusion_weights.csv`."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trialsmith.study.page import shown
from trialsmith.study.report.runs import Run
from trialsmith.study.report.section import Drawing, Section, compact
from trialsmith.study.stages.decision import HEALTHY, judged
from trialsmith.study.table import TrialRow

QUANTITIES = {
    "w_text": "Weight of the text",
    "ratio": "Graph to text, (1 + w_graph) / w_text",
    "gate": "Opening of the gate",
    "entropy": "Entropy of the attention, of the largest possible",
}
COLOURS = ("--complete", "--best", "--third", "--failed", "--pruned", "--ink")
POINTS = 200


def fusion(best: TrialRow | None, run: Run) -> Section | None:
    """A picture for each quantity that was measured; None where nothing is fused."""
    if best is None or not run.fusion:
        return None
    places: dict[str, list[Mapping[str, str]]] = {}
    for row in run.fusion:
        places.setdefault(_place(row), []).append(row)
    drawings = [
        drawing
        for name, title in QUANTITIES.items()
        if (drawing := _quantity(places, name, title)) is not None
    ]
    if not drawings:
        return None
    note = "Running means over atoms during training."
    several = len(drawings) > 1
    return Section("fusion", "What the text did", _lead(best, places), drawings, note, several)


def _lead(best: TrialRow, places: Mapping[str, Sequence[Mapping[str, str]]]) -> str:
    words = []
    for place, rows in places.items():
        ratio = _number(rows[-1], "ratio")
        if ratio is not None:
            words.append(f"{place} ends at a ratio of {ratio:.3g}: {judged(ratio)}")
    return "; ".join(words) + "." if words else f"The fused places of trial {best.number}."


def _quantity(
    places: Mapping[str, Sequence[Mapping[str, str]]], name: str, title: str
) -> Drawing | None:
    traces: list[Any] = []
    for place, rows in places.items():
        points = [(_number(row, "epoch"), _number(row, name)) for row in rows]
        known = [(x, y) for x, y in points if x is not None and y is not None]
        if known:
            traces.append(_line(place, known, COLOURS[len(traces) % len(COLOURS)]))
    if not traces:
        return None
    layout: dict[str, Any] = {
        "xaxis": {"title": {"text": "epoch"}},
        "yaxis": {"range": [-0.02, 1.02]},
        "showlegend": True,
    }
    note = ""
    if name == "ratio":
        top = max(14.0, *(y for trace in traces for y in trace["y"]))
        layout["yaxis"] = {"type": "log", "range": [math.log10(1.5), math.log10(1.3 * top)]}
        layout["yaxis"] |= {"tickvals": [2, 3, 5, 10, 20, 50, 100, 1000]}
        layout["shapes"] = [_band(*HEALTHY)]
        note = "Shaded: healthy, {:g} to {:g}.".format(*HEALTHY)
    return Drawing(traces, layout, height=280, title=title, note=note)


def _line(place: str, points: Sequence[tuple[float, float]], colour: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(points) < 8 else "lines",
        "name": shown(place),
        "x": [x for x, _ in points[:: max(1, len(points) // POINTS)]],
        "y": [compact(y) for _, y in points[:: max(1, len(points) // POINTS)]],
        "line": {"color": colour, "width": 2},
        "hovertemplate": "epoch %{x}: %{y:.4g}",
    }


def _band(low: float, high: float) -> dict[str, Any]:
    ends = {"x0": 0, "x1": 1, "y0": low, "y1": high}
    look = {"fillcolor": "--good", "opacity": 0.14, "line": {"width": 0}, "layer": "below"}
    return {"type": "rect", "xref": "paper", "yref": "y", **ends, **look}


def _place(row: Mapping[str, str]) -> str:
    site = str(row.get("site") or "fusion").replace("_", " ").replace(".", ": ")
    return f"{site}, layer {row['layer']}" if row.get("layer") else site


def _number(row: Mapping[str, str], name: str) -> float | None:
    try:
        number = float(row.get(name) or "nan")
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
