"""How well a score is known: the percentile bootstrap over the samples that it was computed on.

Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 13. It tells what another draw
of validation samples would change. It does not tell what another seed would, nor does it take back
that the best of many trials is the best partly by luck on these very samples.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float, Int

from trialsmith.study.report.runs import Prediction

DRAWS = 2000
WORK = 10_000_000  # draws × samples: larger splits get fewer draws
LEVEL = 0.95
SAME = 1e-3  # by so much, relatively, a score may differ from the one that the trial reported

Vector = Float[np.ndarray, "samples"]
Statistic = Callable[[Vector, Vector], float]


@dataclass(frozen=True)
class Interval:
    """The middle 95 % of the bootstrapped values of a score, over so many samples."""

    low: float
    high: float
    samples: int


STATISTICS: dict[str, Statistic] = {
    "mae": lambda true, predicted: float(np.abs(predicted - true).mean()),
    "mse": lambda true, predicted: float(((predicted - true) ** 2).mean()),
    "rmse": lambda true, predicted: float(np.sqrt(((predicted - true) ** 2).mean())),
    "r2": lambda true, predicted: _r2(true, predicted),
    "accuracy": lambda true, predicted: float((true == predicted).mean()),
}


def _r2(true: Vector, predicted: Vector) -> float:
    total = float(((true - true.mean()) ** 2).sum())
    return 1 - float(((predicted - true) ** 2).sum()) / total if total > 0 else math.nan


def scored_by(
    predictions: Sequence[Prediction], metric: str, value: float
) -> tuple[Prediction, Statistic] | None:
    """The predictions from which `metric` (`val/mae`) was computed as `value`, and how.

    None where it cannot be told: another metric, several targets, or numbers that give another
    value, as those of a folder that was changed since.
    """
    split, _, name = metric.rpartition("/")
    own = [prediction for prediction in predictions if prediction.split == split]
    statistic = STATISTICS.get(name)
    if statistic is None or len(own) != 1 or own[0].classes != (name == "accuracy"):
        return None
    found = statistic(*_arrays(own[0]))
    return (own[0], statistic) if abs(found - value) <= SAME * abs(value) + 1e-9 else None


def interval(prediction: Prediction, statistic: Statistic) -> Interval | None:
    """The 95 % interval of a score."""
    return _interval(partial(_score, statistic, *_arrays(prediction)), len(prediction.true))


def interval_of_difference(
    one: Prediction, other: Prediction, statistic: Statistic
) -> Interval | None:
    """The 95 % interval of `one`'s score less `other`'s, on the same samples drawn for both.

    None where they are not predictions of the same samples.
    """
    place = {name: k for k, name in enumerate(other.ids)}
    if len(place) != len(other.ids) or sorted(place) != sorted(one.ids):
        return None
    true, predicted = _arrays(one)
    order = np.array([place[name] for name in one.ids])
    _, others = (array[order] for array in _arrays(other))

    def difference(chosen: Int[np.ndarray, "samples"]) -> float:
        scores = (statistic(true[chosen], p[chosen]) for p in (predicted, others))
        return next(scores) - next(scores)

    return _interval(difference, len(true))


def _score(
    statistic: Statistic, true: Vector, predicted: Vector, chosen: Int[np.ndarray, "samples"]
) -> float:
    return statistic(true[chosen], predicted[chosen])


def _interval(
    score: Callable[[Int[np.ndarray, "samples"]], float], samples: int
) -> Interval | None:
    if samples < 2:
        return None
    random = np.random.default_rng(0)
    draws = min(DRAWS, max(200, WORK // samples))
    scores = [score(random.integers(0, samples, samples)) for _ in range(draws)]
    known = np.array([value for value in scores if math.isfinite(value)])
    if known.size == 0:
        return None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high), samples)


def _arrays(prediction: Prediction) -> tuple[Vector, Vector]:
    """True and predicted values; of classes, their numbers."""
    if not prediction.classes:
        return np.asarray(prediction.true, float), np.asarray(prediction.predicted, float)
    number = {name: float(k) for k, name in enumerate(dict.fromkeys(prediction.true))}
    guessed = [number.get(name, -1.0) for name in prediction.predicted]
    return np.array([number[name] for name in prediction.true]), np.array(guessed)
