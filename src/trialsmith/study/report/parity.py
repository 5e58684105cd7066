"""Predicted against true values of the best trial."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from trialsmith.study.page import shown
from trialsmith.study.report.runs import Prediction, Run
from trialsmith.study.report.section import Drawing, Section, compact, spread
from trialsmith.study.table import TrialRow

MOST = 1500  # points of a picture
TARGETS = 8
CLASSES = 30
COLOURS = {"val": "--complete", "test": "--best"}


def parity(best: TrialRow | None, run: Run) -> Section | None:
    """A picture for each target; None where the trial left no predictions."""
    if best is None or not run.predictions:
        return None
    targets = list(dict.fromkeys(prediction.target for prediction in run.predictions))
    drawings = []
    for target in targets[:TARGETS]:
        own = [prediction for prediction in run.predictions if prediction.target == target]
        drawings.append(_matrix(own[-1]) if own[0].classes else _scatter(own, len(targets) > 1))
    splits = {"val": "validation", "test": "test"}
    names = dict.fromkeys(prediction.split for prediction in run.predictions)
    where = " and ".join(splits.get(name, name) for name in names)
    lead = f"Trial {best.number} at its best epoch, on the {where} split."
    note = "The dashed line is a perfect prediction. " * (not run.predictions[0].classes)
    several = len(targets) > 1
    return Section("parity", "The best trial's predictions", lead, drawings, note, small=several)


def errors(prediction: Prediction) -> dict[str, float]:
    """MAE, RMSE and R² (where the true values differ) of a target of numbers."""
    pairs = list(zip(prediction.true, prediction.predicted, strict=True))
    n = len(pairs)
    mean = math.fsum(prediction.true) / n
    square = math.fsum((p - t) ** 2 for t, p in pairs)
    total = math.fsum((t - mean) ** 2 for t in prediction.true)
    found = {"MAE": math.fsum(abs(p - t) for t, p in pairs) / n, "RMSE": math.sqrt(square / n)}
    return found | ({"R²": 1 - square / total} if total > 0 else {})


def _scatter(own: Sequence[Prediction], several: bool) -> Drawing:
    values = [value for p in own for value in (*p.true, *p.predicted)]
    low, high = min(values), max(values)
    margin = 0.04 * (high - low) or 1.0
    ends = [compact(low - margin), compact(high + margin)]
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": ends,
        "y": ends,
        "line": {"color": "--muted", "width": 1.5, "dash": "dash"},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    axis = {"range": ends, "constrain": "domain"}
    layout = {
        "xaxis": {"title": {"text": f"true {shown(own[0].target)}"}, **axis},
        "yaxis": {"title": {"text": "predicted"}, "scaleanchor": "x", **axis},
        "showlegend": len(own) > 1,
        "hovermode": "closest",
    }
    words = []
    for prediction in own:
        name = f"{prediction.split}: " if len(own) > 1 else ""
        numbers = ", ".join(f"{key} {number:.4g}" for key, number in errors(prediction).items())
        words.append(f"{name}{numbers} over {len(prediction.true):,} samples")
    title = own[0].target if several else ""
    height = 300 if several else 440
    return Drawing([line, *map(_points, own)], layout, height, title, "; ".join(words) + ".")


def _points(prediction: Prediction) -> dict[str, Any]:
    chosen = spread(range(len(prediction.true)), MOST)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": prediction.split,
        "x": [compact(prediction.true[k]) for k in chosen],
        "y": [compact(prediction.predicted[k]) for k in chosen],
        "text": [shown(prediction.ids[k]) for k in chosen],
        "hovertemplate": "<b>%{text}</b><br>true %{x}<br>predicted %{y}<extra></extra>",
        "marker": {
            "color": COLOURS.get(prediction.split, "--complete"),
            "size": 7 if len(chosen) < 300 else 5,
            "opacity": 0.75 if len(chosen) < 300 else 0.5,
        },
    }


def _matrix(prediction: Prediction) -> Drawing:
    """How often each class was taken for each other one."""
    pairs = Counter(zip(prediction.true, prediction.predicted, strict=True))
    known = Counter(prediction.true) + Counter(prediction.predicted)
    names = sorted(name for name, _ in known.most_common(CLASSES))
    right = sum(count for (true, predicted), count in pairs.items() if true == predicted)
    cells = [(i, j, pairs[a, b]) for i, a in enumerate(names) for j, b in enumerate(names)]
    cells = [cell for cell in cells if cell[2]]
    # of many classes the most common ones need not meet
    most = max((count for _, _, count in cells), default=1)
    ends = [-0.5, len(names) - 0.5]
    ticks = {
        "tickvals": list(range(len(names))),
        "ticktext": [shown(name, 20) for name in names],
        "showgrid": False,
    }
    layout = {
        "xaxis": {"title": {"text": "predicted"}, **ticks, "range": ends},
        "yaxis": {"title": {"text": "true"}, **ticks, "range": ends[::-1]},
        "shapes": [_cell(i, j, count / most) for i, j, count in cells],
    }
    counts = {
        "type": "scatter",
        "mode": "text" if len(names) <= 15 else "markers",
        "marker": {"opacity": 0, "size": 12},
        "x": [j for _, j, _ in cells],
        "y": [i for i, _, _ in cells],
        "text": [str(count) for _, _, count in cells],
        "textfont": {"color": "--ink"},
        "customdata": [
            f"true {shown(names[i])}<br>predicted {shown(names[j])}" for i, j, _ in cells
        ],
        "hovertemplate": "%{customdata}<br>%{text}<extra></extra>",
    }
    n = len(prediction.true)
    note = f"Accuracy {right / n:.1%} over {n:,} samples."
    return Drawing([counts], layout, 180 + 30 * len(names), note=note)


def _cell(row: int, column: int, share: float) -> dict[str, Any]:
    """A square, the fuller the larger its `share` of the largest count."""
    ends = {"x0": column - 0.48, "x1": column + 0.48, "y0": row - 0.48, "y1": row + 0.48}
    look = {"fillcolor": "--complete", "opacity": 0.08 + 0.6 * share, "line": {"width": 0}}
    return {"type": "rect", **ends, **look, "layer": "below"}
