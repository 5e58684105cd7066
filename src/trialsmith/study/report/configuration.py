"""The best trial's values, beside the baseline's, on what they could have been."""

import json
import math
from dataclasses import dataclass, field
from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from trialsmith.search.domains import identity
from trialsmith.study.page import short
from trialsmith.study.report.baseline import Baseline
from trialsmith.study.table import TrialRow

EDGE = 0.02  # of a range: a best value this near its end may lie beyond it
CHOICES = 8  # that are listed


@dataclass(frozen=True)
class Value:
    """A parameter of the best trial.

    Attributes:
        best, before: as text; `before` is "" without a baseline, "absent" where it has none.
        at, before_at: where on the range they lie, 0 to 1; None for choices.
        ends: the range's, as text.
        choices: the other kind of range, at most CHOICES of them.
        edge: which end of its range the best value lies at, or "".
    """

    key: str
    best: str
    before: str
    at: float | None = None
    before_at: float | None = None
    ends: tuple[str, str] = ("", "")
    log: bool = False
    choices: list[str] = field(default_factory=list)
    edge: str = ""


def values(best: TrialRow | None, before: Baseline | None) -> list[Value]:
    """One for each parameter of the best trial."""
    if best is None:
        return []
    other = None if before is None or before.trial.number == best.number else before.trial
    return [_value(key, best, other) for key in best.params]


def at_an_edge(found: list[Value]) -> list[str]:
    """The parameters whose best value lies at an end of its range: a wider one may be better."""
    return [value.key for value in found if value.edge]


def _value(key: str, best: TrialRow, other: TrialRow | None) -> Value:
    text = short(best.params[key], 60)
    before = ""
    if other is not None:
        before = short(other.params[key], 60) if key in other.params else "absent"
    space = best.sampled[key][1] if key in best.sampled else None
    if isinstance(space, FloatDistribution | IntDistribution):
        at = _place(space, best.params[key])
        given = other.params.get(key) if other is not None else None
        return Value(
            key=key,
            best=text,
            before=before,
            at=at,
            before_at=None if given is None else _place(space, given),
            ends=(short(space.low), short(space.high)),
            log=space.log,
            edge=_edge(at) if _is_wide(space) else "",
        )
    if isinstance(space, CategoricalDistribution):
        stored = best.sampled[key][0]
        return Value(key, text, before, choices=_choices(space, best.params[key], stored))
    return Value(key, text, before)


def _choices(space: CategoricalDistribution, best: Any, stored: Any) -> list[str]:
    """The first few choices, the best one among them."""
    # what Optuna cannot tell apart, such as 1 and true, is stored as JSON
    coded = stored != best and stored == identity(best)
    words = [short(json.loads(str(c)) if coded else c, 60) for c in space.choices]
    word = short(best, 60)
    if len(words) <= CHOICES or word in words[:CHOICES]:
        return words[:CHOICES]
    return [*words[: CHOICES - 1], word]


def _place(space: FloatDistribution | IntDistribution, value: Any) -> float | None:
    """Where `value` lies between the ends of its range."""
    try:
        numbers = [float(number) for number in (space.low, value, space.high)]
        if space.log:
            numbers = [math.log(number) for number in numbers]
    except (TypeError, ValueError):
        return None
    low, middle, high = numbers
    return min(1.0, max(0.0, (middle - low) / (high - low))) if high > low else 0.5


def _is_wide(space: FloatDistribution | IntDistribution) -> bool:
    """Whether a range has an inside: of 2 and 3 each is an end."""
    return isinstance(space, FloatDistribution) or (space.high - space.low) / space.step >= 3


def _edge(at: float | None) -> str:
    if at is None or EDGE < at < 1 - EDGE:
        return ""
    return "lowest" if at <= EDGE else "highest"
