"""Which values a figure shows: a few diverged trials must not squeeze all others into one line."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

WIDE = 6.0  # the largest over the smallest value, from which an axis is logarithmic
FAR = 4.0  # an outlier is farther from the bulk than this many times its extent


@dataclass(frozen=True)
class Span:
    """The part of an axis that is shown at first: `low` to `high`; `hidden` values lie outside."""

    low: float
    high: float
    log: bool
    hidden: int

    def axis(self) -> dict[str, Any]:
        """As plotly's axis: range and type."""
        if self.log:
            low, high = math.log10(self.low), math.log10(self.high)
            margin = 0.05 * (high - low) or 0.1
            return {"type": "log", "range": [low - margin, high + margin]}
        margin = 0.05 * (self.high - self.low) or (0.1 * abs(self.high) or 1.0)
        return {"type": "linear", "range": [self.low - margin, self.high + margin]}


def span_of(values: Sequence[float], kept: Sequence[float] = ()) -> Span:
    """The span of `values`, without far outliers; `kept` ones are always in it.

    An outlier is more than `FAR` times the extent of the middle 80 % away from it, on the scale
    of the axis. The axis is logarithmic where all values are positive and they differ much.
    """
    known = np.array([v for v in [*values, *kept] if math.isfinite(v)], dtype=float)
    if known.size == 0:
        return Span(0.0, 1.0, False, 0)
    log = bool(known.min() > 0 and np.quantile(known, 0.95) / known.min() > WIDE)
    scaled = np.log10(known) if log else known
    low, high = np.quantile(scaled, [0.1, 0.9])
    extent = high - low
    inside = (scaled >= low - FAR * extent) & (scaled <= high + FAR * extent)
    inside |= np.isin(known, list(kept))
    shown = known[inside] if extent > 0 else known
    return Span(float(shown.min()), float(shown.max()), log, int(known.size - shown.size))
