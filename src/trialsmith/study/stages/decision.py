"""Which configuration to take, by rule."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

CLOSE = 0.05
HEALTHY = (3.0, 10.0)  # of the ratio: above, text is ignored; below, it outweighs the graph


@dataclass(frozen=True)
class Candidate:
    """What the rule looks at.

    Attributes:
        label: tells it from the others.
        mae: on the validation split; NaN: not known.
        ratio: graph to text, (1 + w_graph)/w_text; NaN where there is none.
        depth: number of fused layers.
    """

    label: str
    mae: float
    ratio: float
    depth: int


def judged(ratio: float) -> str:
    """What a ratio of graph to text means: healthy from 3 to 10."""
    if math.isnan(ratio):
        return "—"
    low, high = HEALTHY
    if ratio > high:
        return "text is ignored"
    return "text weighs too much" if ratio < low else "healthy"


def decide(candidates: Sequence[Candidate]) -> tuple[Candidate, str] | None:
    """The candidate to take, and why; None when no MAE is known.

    If the best and the next differ by more than 5 %, the lowest MAE. Otherwise, among those within
    5 % of the best whose ratio is healthy, the fewest fused layers and then the lowest MAE. Where
    no such ratio is healthy, the lowest MAE again. Graph only has no ratio, so that it is taken by
    its MAE alone. Equals are told apart by their labels: the order of the candidates is of no
    account.
    """
    known = sorted(
        (candidate for candidate in candidates if not math.isnan(candidate.mae)),
        key=lambda candidate: (candidate.mae, candidate.depth, candidate.label),
    )
    if not known:
        return None
    best = known[0]
    if len(known) == 1:
        return best, "the only one"
    close = [candidate for candidate in known if candidate.mae <= best.mae * (1 + CLOSE)]
    if len(close) == 1:
        return best, f"lowest MAE, more than {CLOSE:.0%} before the next"
    healthy = [candidate for candidate in close if judged(candidate.ratio) == "healthy"]
    if not healthy:
        return best, f"lowest MAE: no ratio is healthy among those within {CLOSE:.0%} of the best"
    chosen = min(healthy, key=lambda candidate: (candidate.depth, candidate.mae, candidate.label))
    return chosen, (
        f"fewest fused layers with a healthy ratio among the {len(close)} within {CLOSE:.0%} of "
        "the best"
    )
