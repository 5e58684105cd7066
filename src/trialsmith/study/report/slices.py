"""The score against each parameter by itself."""

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import FloatDistribution, IntDistribution

from trialsmith.study.importance import Importance, usable
from trialsmith.study.page import short
from trialsmith.study.parallel import natural
from trialsmith.study.report.baseline import Baseline
from trialsmith.study.report.dots import axis_title
from trialsmith.study.report.section import Drawing, Section, compact, spread
from trialsmith.study.report.span import span_of
from trialsmith.study.table import StudyTable, TrialRow

MOST = 350  # trials of a slice: small pictures, and as many as there are parameters
FEWEST = 3  # trials that have a median worth a bar
TICKS = 8  # choices that are named on an axis
PARAMETERS = 24  # that have a picture each; the first of the importances


def slices(
    table: StudyTable, found: Sequence[Importance], before: Baseline | None
) -> Section | None:
    """One small picture a parameter, the most important ones first; None with fewer than two."""
    trials = usable(table)
    if len(trials) < 2:
        return None
    order = [item.key for item in found]
    keys = [*order, *(key for key in table.keys if key not in order)]
    different = [key for key in keys if len({_word(t, key) for t in trials if key in t.params}) > 1]
    if not different:
        return None
    chosen = _thinned(table, trials, before)
    span = span_of([t.values[0] for t in chosen], _kept(table, before))
    yaxis = span.axis()
    drawings = [
        _slice(table, key, [t for t in chosen if key in t.params], before, yaxis)
        for key in different[:PARAMETERS]
    ]
    lead = "The score against one parameter at a time; a bar is the median of a choice."
    words = [f"{axis_title(table, 0)['text']} is upwards in all."]
    if len(chosen) < len(trials):
        words.append(f"{len(chosen)} of {len(trials):,} complete trials, from best to worst.")
    if len(different) > PARAMETERS:
        words.append(f"The first {PARAMETERS} of {len(different)} parameters.")
    return Section("slices", "Parameter by parameter", lead, drawings, " ".join(words), small=True)


def _thinned(
    table: StudyTable, trials: Sequence[TrialRow], before: Baseline | None
) -> list[TrialRow]:
    """Evenly spaced by rank, so that their distribution stays, with the baseline among them."""
    ranks = sorted(trials, key=lambda trial: table.signs[0] * trial.values[0])
    chosen = spread(ranks, MOST)
    if before is not None and before.trial in ranks and before.trial not in chosen:
        chosen.append(before.trial)
    return chosen


def _kept(table: StudyTable, before: Baseline | None) -> list[float]:
    marked = [table.best, None if before is None else before.trial]
    return [trial.values[0] for trial in marked if trial is not None and trial.scored]


def _slice(
    table: StudyTable,
    key: str,
    trials: Sequence[TrialRow],
    before: Baseline | None,
    yaxis: dict[str, Any],
) -> Drawing:
    spaces = [trial.sampled[key][1] for trial in trials if key in trial.sampled]
    numeric = [s for s in spaces if isinstance(s, FloatDistribution | IntDistribution)]
    bars: list[list[Any]] = []
    if spaces and len(numeric) == len(spaces):
        place = {trial.number: compact(float(trial.params[key])) for trial in trials}
        xaxis = _range(numeric)
    else:
        place, xaxis, bars = _choices(key, trials)
    marked = {"baseline": None if before is None else before.trial, "best": table.best}
    groups = [_group("complete", trials, place)] + [
        _group(look, [trial], place)
        for look, trial in marked.items()
        if trial is not None and trial.number in place
    ]
    figure = {"type": "points", "name": key, "x": xaxis, "y": yaxis, "groups": groups, "bars": bars}
    return Drawing([figure], {}, height=180, title=short(key, 34))


def _group(look: str, trials: Sequence[TrialRow], place: Mapping[int, Any]) -> dict[str, Any]:
    """Trials that look alike: where they are along the parameter, their scores, their numbers."""
    return {
        "look": look,
        "x": [place[trial.number] for trial in trials],
        "y": [compact(trial.values[0]) for trial in trials],
        "numbers": [trial.number for trial in trials],
    }


def _range(spaces: Sequence[FloatDistribution | IntDistribution]) -> dict[str, Any]:
    """An axis over all that was searched."""
    low, high = float(min(s.low for s in spaces)), float(max(s.high for s in spaces))
    if all(space.log for space in spaces):
        return {"type": "log", "range": _wider(math.log10(low), math.log10(high))}
    whole = all(isinstance(space, IntDistribution) for space in spaces)
    return {"type": "linear", "range": _wider(low, high), "whole": whole}


def _wider(low: float, high: float) -> list[float | int | None]:
    margin = 0.06 * (high - low) or 1.0
    return [compact(low - margin), compact(high + margin)]


def _choices(
    key: str, trials: Sequence[TrialRow]
) -> tuple[dict[int, Any], dict[str, Any], list[list[Any]]]:
    """Choices side by side, their trials strewn about, and a bar at each median."""
    words = {trial.number: _word(trial, key) for trial in trials}
    order = sorted(set(words.values()), key=natural)
    at = {word: k for k, word in enumerate(order)}
    strewn = random.Random(0)
    place = {t.number: compact(at[words[t.number]] + strewn.uniform(-0.22, 0.22)) for t in trials}
    named = spread(range(len(order)), TICKS)
    xaxis = {
        "range": [-0.6, len(order) - 0.4],
        "ticks": [[k, short(order[k], 9)] for k in named],
    }
    medians: list[list[Any]] = []
    for word, k in at.items():
        own = sorted(trial.values[0] for trial in trials if words[trial.number] == word)
        if len(own) < FEWEST:
            continue
        medians.append([k - 0.32, k + 0.32, compact(own[len(own) // 2])])
    return place, xaxis, medians if len(order) <= 2 * TICKS else []


def _word(trial: TrialRow, key: str) -> str:
    found = trial.params[key]
    if isinstance(found, float) and math.isfinite(found):
        return f"{found:.6g}"
    return short(found, 60)
