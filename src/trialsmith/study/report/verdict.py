"""The result in a few words: the best value, how well it is known, and what it gained."""

import math
from dataclasses import dataclass
from functools import partial

from trialsmith.study.report.baseline import Baseline, without
from trialsmith.study.report.runs import Run
from trialsmith.study.report.section import listed, numbered
from trialsmith.study.report.uncertainty import (
    Interval,
    interval,
    interval_of_difference,
    scored_by,
)
from trialsmith.study.table import StudyTable, TrialRow
from trialsmith.study.words import quantity

UNKNOWN = (
    "How well these values are known cannot be told from one run of each without its predictions; "
    "train the best again with several seeds."
)


@dataclass(frozen=True)
class Verdict:
    """What the page says first, and what its picture of the result shows.

    Attributes:
        headline: the comparison with the baseline in a few words.
        remarks: how well it is known, and what is not known.
        better: whether the best is told apart from the baseline; None where that is not known.
    """

    headline: str
    remarks: list[str]
    best: Interval | None = None
    before: Interval | None = None
    better: bool | None = None


def verdict(
    table: StudyTable, best: TrialRow | None, before: Baseline | None, runs: tuple[Run, Run]
) -> Verdict:
    """The verdict on the best trial of a single objective.

    Args:
        runs: the folders of the best trial and of the baseline.
    """
    if best is None:
        return Verdict(*_no_best(table))
    known = scored_by(runs[0].predictions, table.objectives[0], best.values[0])
    own = interval(*known) if known else None
    if before is None:
        return Verdict("There is no baseline.", [without(table), *_spread(own)], own)
    if not before.trial.scored:
        state = before.trial.failure or before.trial.state
        words = f"The baseline, trial {before.trial.number}, has no score: {_words(state)}."
        return Verdict(words, _spread(own), own)
    if before.trial.number == best.number:
        headline = f"No trial was better than the baseline, trial {best.number}, itself."
        return Verdict(headline, _spread(own), own, better=False)
    other = scored_by(runs[1].predictions, table.objectives[0], before.trial.values[0])
    gain = interval_of_difference(known[0], other[0], known[1]) if known and other else None
    return Verdict(
        headline=_gain(table, best, before),
        remarks=[*_told_apart(table, gain), *_spread(own), *_luck(table)],
        best=own,
        before=interval(*other) if other else None,
        better=None if gain is None else gain.low > 0 or gain.high < 0,
    )


@dataclass(frozen=True)
class Whisker:
    """A value with its interval on a scale from 0 to 100 that the best and the baseline share."""

    name: str
    look: str
    value: float
    at: float
    low: float
    high: float


def whiskers(
    table: StudyTable, best: TrialRow | None, before: Baseline | None, said: Verdict
) -> list[Whisker]:
    """The picture of the comparison; empty where there is nothing to compare."""
    if best is None or before is None or not before.trial.scored:
        return []
    if before.trial.number == best.number:
        return []
    rows = [
        (f"best, trial {best.number}", "best", best.values[0], said.best),
        (f"baseline, trial {before.trial.number}", "baseline", before.trial.values[0], said.before),
    ]
    ends = [end for _, _, value, known in rows for end in _ends(value, known)]
    low, high = min(ends), max(ends)
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return []

    def place(value: float) -> float:
        return round(4 + 92 * (value - low) / (high - low), 2)

    return [
        Whisker(name, look, value, place(value), *map(place, _ends(value, known)))
        for name, look, value, known in rows
    ]


def _ends(value: float, known: Interval | None) -> tuple[float, float]:
    return (value, value) if known is None else (known.low, known.high)


def _no_best(table: StudyTable) -> tuple[str, list[str]]:
    if not table.trials:
        return "No trial has begun yet.", []
    if table.counts["running"] or table.counts["waiting"]:
        return "No trial is complete yet.", []
    ended = [f"{table.counts[state]} {state}" for state in ("pruned", "failed")]
    return f"No trial was completed: {listed(w for w in ended if w[0] != '0')}.", []


def _gain(table: StudyTable, best: TrialRow, before: Baseline) -> str:
    ours, theirs = best.values[0], before.trial.values[0]
    show = partial(quantity, unit=table.unit)
    trial = f"the baseline (trial {before.trial.number}, {before.why})"
    direction = "lower" if ours < theirs else "higher"
    if ours == theirs:
        return f"As good as {trial}, {show(theirs)}."
    if theirs > 0 and ours > 0:
        return f"{abs(ours - theirs) / theirs:.1%} {direction} than {trial}, {show(theirs)}."
    return f"{show(abs(ours - theirs))} {direction} than {trial}, {show(theirs)}."


def _told_apart(table: StudyTable, gain: Interval | None) -> list[str]:
    if gain is None:
        return [UNKNOWN]
    low, high = sorted((abs(gain.low), abs(gain.high)))
    samples = numbered(gain.samples, "validation sample")
    if gain.low > 0 or gain.high < 0:
        return [
            f"The difference is {low:.3g} to {quantity(high, table.unit)} "
            f"(95 % interval, paired over {samples})."
        ]
    return [
        f"On {samples} the two are not told apart: the 95 % interval of the difference, "
        f"{gain.low:+.3g} to {gain.high:+.3g}{f' {table.unit}' if table.unit else ''}, holds zero."
    ]


def _spread(own: Interval | None) -> list[str]:
    if own is None:
        return []
    samples = numbered(own.samples, "validation sample")
    return [f"Another draw of {samples} would give {own.low:.4g} to {own.high:.4g}."]


def _luck(table: StudyTable) -> list[str]:
    complete = table.counts["complete"]
    if complete < 5:
        return []
    return [
        f"It was chosen among {numbered(complete, 'complete trial')} on this very split, so new "
        "data will show somewhat less."
    ]


def _words(state: str) -> str:
    return state.replace("_", " ")
