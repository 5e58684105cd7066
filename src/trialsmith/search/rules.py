"""What the user asked of a search, and who wants to hear of it."""

from collections.abc import Callable
from dataclasses import dataclass

import optuna


@dataclass(frozen=True)
class Rules:
    """What the user asked of the search; the names are those of `hydra.sweeper`."""

    n_trials: int
    timeout: float | None = None
    seed: int | None = None
    allow_repeats: bool = False
    max_failures: int = 50
    max_retries: int = 2
    take_over: bool = False
    stall_timeout: float | None = None


@dataclass(frozen=True)
class Hooks:
    """Who wants to hear of the search.

    `on_change(study)` after trials have ended; `on_tick(study, number)` often, with the number of
    the trial that has just ended, or None.
    """

    on_change: Callable[[optuna.Study], None] = lambda study: None
    on_tick: Callable[[optuna.Study, int | None], None] = lambda study, number: None
