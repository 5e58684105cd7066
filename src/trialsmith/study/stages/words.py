"""The findings of a comparison as sentences; the terminal and the page say the same."""

import math

from trialsmith.study.stages.comparison import BASELINE, TOP, Comparison
from trialsmith.study.stages.configuration import GRAPH_ONLY, Configuration
from trialsmith.study.stages.controls import verdicts
from trialsmith.study.stages.decision import HEALTHY, judged
from trialsmith.study.stages.estimate import Estimate
from trialsmith.study.stages.stability import smoothness
from trialsmith.study.words import quantity

CONTROLS = "Controls"


def findings(comparison: Comparison) -> dict[str, list[str]]:
    """The parts of the comparison that stand beside its table, by their headings."""
    controls = comparison.controls
    parts = {
        "Gain": gains(comparison),
        "Ratio": ratio(comparison),
        "Decision": decision(comparison),
        "Stability": stability(comparison),
        CONTROLS: [] if controls is None else verdicts(controls),
    }
    return {heading: lines for heading, lines in parts.items() if lines}


def gains(comparison: Comparison) -> list[str]:
    """The best row's gain over the baseline and over graph only."""
    if comparison.best is None:
        return []
    best = _name(comparison, comparison.best)
    others = {
        f"the baseline (layer {BASELINE})": comparison.baseline,
        GRAPH_ONLY: comparison.graph_only,
    }
    return [_gain(comparison, best, name, other) for name, other in others.items()]


def _gain(comparison: Comparison, best: str, name: str, other: Configuration | None) -> str:
    if other is None:
        return f"{best} over {name}: that is not among these configurations"
    if other is comparison.best:
        return f"{name} is itself the best"
    return f"{best} over {name}: {comparison.gain(other):.1%} lower validation MAE"


def ratio(comparison: Comparison) -> list[str]:
    """How graph and text are balanced in the best fused row, and which rows are unhealthy."""
    fused = [row for row in comparison.contenders if not math.isnan(row.ratio)]
    if not fused:
        return []
    low, high = HEALTHY
    lines = [
        f"{_name(comparison, fused[0])}: {fused[0].ratio:.2f}, {judged(fused[0].ratio)} "
        f"(healthy from {low:g} to {high:g})"
    ]
    for verdict in ("text is ignored", "text weighs too much"):
        rows = [_name(comparison, row) for row in fused[1:] if judged(row.ratio) == verdict]
        if rows:
            lines.append(f"{verdict} in: {'; '.join(rows)}")
    return lines


def decision(comparison: Comparison) -> list[str]:
    """The configuration to take, the reason, and the top three."""
    if comparison.decision is None:
        return []
    chosen, reason = comparison.decision
    lines = [f"{_name(comparison, chosen)}: {reason}"]
    graph, best = comparison.graph_only, comparison.best
    if graph is not None and best is graph and chosen is not graph:
        lines.append("graph only has the lowest MAE: text is not shown to help here")
    elif chosen is graph and len(comparison.contenders) > 1:
        lines.append("graph only is taken: text does not help here")
    top = [
        f"{k}. {_name(comparison, row)} {quantity(row.val_mae.mean, comparison.unit)}"
        for k, row in enumerate(comparison.contenders[:TOP], 1)
    ]
    return [*lines, f"top {len(top)}: {'  '.join(top)}"]


def stability(comparison: Comparison) -> list[str]:
    """How the loss of the chosen row came down, and how its test error compares."""
    if comparison.decision is None:
        return []
    row = comparison.decision[0]
    lines = []
    if not math.isnan(row.train_backtracking):
        lines.append(
            f"{_name(comparison, row)}: the training loss came down "
            f"{_manner(row.train_backtracking)} ({row.train_backtracking:.0%} of its way was "
            f"upwards), the validation loss {_manner(row.val_backtracking)} "
            f"({row.val_backtracking:.0%})"
        )
    if not math.isnan(row.gap):
        lines.append(f"test MAE {row.gap:+.1%} from validation MAE")
    return lines


def _name(comparison: Comparison, row: Configuration) -> str:
    """The row's label as a sentence has it."""
    label = comparison.label(row)
    if not row.layers:
        return label
    return f"layer{'s' if len(row.layers) > 1 else ''} {label}"


def _manner(share: float) -> str:
    return {"smooth": "smoothly", "uneven": "unevenly", "rough": "roughly"}.get(
        smoothness(share), "—"
    )


def value(known: Estimate, sign: bool = False) -> str:
    """A mean with half its interval, "0.1234 ± 0.0056"; a dash where it is not known."""
    if math.isnan(known.mean):
        return "—"
    mean = f"{known.mean:{'+' if sign else ''}.4g}"
    return mean if math.isnan(known.half_width) else f"{mean} ± {known.half_width:.2g}"


def number(known: float, form: str = ".3f") -> str:
    """A number, or a dash where it is not known."""
    return "—" if math.isnan(known) else f"{known:{form}}"
