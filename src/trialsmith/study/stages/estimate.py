"""A mean and how well it is known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean and half the width of its interval; NaN where it is not known."""

    mean: float
    half_width: float = math.nan

    @property
    def low(self) -> float:
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        return self.mean + self.half_width


def estimate(values: Sequence[float]) -> Estimate:
    """The mean and its 95 % interval by Student's t: x̄ ± t₀.₉₇₅(n − 1) s/√n.

    One value has no interval. Values that are not known (NaN) make the whole unknown: a mean of
    the rest would be of other seeds than its neighbours'.
    """
    from scipy.special import stdtrit

    n = len(values)
    if n == 0 or any(math.isnan(value) for value in values):
        return Estimate(math.nan)
    mean = math.fsum(values) / n
    if n == 1:
        return Estimate(mean)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    return Estimate(mean, float(stdtrit(n - 1, (1 + LEVEL) / 2)) * deviation / math.sqrt(n))
