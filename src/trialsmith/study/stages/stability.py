"""Whether a loss came down smoothly."""

import math
from collections.abc import Sequence
from itertools import pairwise

SMOOTH, ROUGH = 0.1, 0.3


def backtracking(losses: Sequence[float]) -> float:
    """The share of its way that a loss went up: Σ max(0, Δ log L) / Σ |Δ log L|.

    0: it fell in every epoch; ½: it ended where it began; 1: it only rose. In the logarithm, so
    that an epoch late in the training counts as much as the first ones. NaN where no two losses
    differ or one of them is not positive.
    """
    if any(not (loss > 0 and math.isfinite(loss)) for loss in losses):
        return math.nan
    steps = [math.log(b / a) for a, b in pairwise(losses)]
    way = math.fsum(abs(step) for step in steps)
    return math.fsum(step for step in steps if step > 0) / way if way else math.nan


def smoothness(share: float) -> str:
    """What a share of backtracking means: below 0.1 smooth, up to 0.3 uneven, else rough."""
    if math.isnan(share):
        return "—"
    return "smooth" if share < SMOOTH else "uneven" if share <= ROUGH else "rough"
