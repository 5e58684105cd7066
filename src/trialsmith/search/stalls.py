"""Trials that are silent for too long: their process hangs, and nobody would ever hear of it."""

import time
from collections.abc import Callable, Mapping

PAUSE = 5.0  # seconds; of a longer time between two looks no more is counted


class Stalls:
    """Watches how many reports each running trial has made.

    A long time between two looks is not the trials': the sweep was stopped, or waited for its
    storage, and perhaps the trials did, too.

    Args:
        limit: seconds without a report after which a trial counts as hanging; None: never. The
            first report takes longest: imports, data and the first epoch come before it.
        clock: seconds, of a clock that nobody sets.
    """

    def __init__(self, limit: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._heard: dict[int, tuple[int, float]] = {}
        self._looked = clock()

    def __call__(self, reports: Mapping[int, int]) -> list[int]:
        """The trials that hang, of those whose numbers of `reports` are given: all that run."""
        if self.limit is None:
            return []
        now = self._clock()
        missed = max(0.0, now - self._looked - PAUSE)
        self._looked = now
        before = {n: (count, since + missed) for n, (count, since) in self._heard.items()}
        self._heard = {
            number: before[number] if before.get(number, (-1,))[0] == count else (count, now)
            for number, count in reports.items()
        }
        return [n for n, (_, since) in self._heard.items() if now - since > self.limit]
