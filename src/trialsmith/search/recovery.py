"""Trials that a dead sweeper left running."""

import logging
from collections.abc import Collection

import optuna
from optuna.trial import FrozenTrial, TrialState

from trialsmith.search import ownership, waiting
from trialsmith.search.outcome import Outcome

log = logging.getLogger(__name__)


def recover(
    study: optuna.Study, mine: Collection[int] | None = None, take_over: bool = False
) -> list[int]:
    """Settle the running trials that nobody works on any more; returns their numbers.

    A trial whose job had stored its result is finished with it. Any other is failed as interrupted
    and queued again with the same parameters; an orphan that still trains it stops at its next
    report, which finds the trial finished.

    Args:
        mine: all trials that this process runs itself; None where it runs others too. One that is
            its own and not among them was made by a call whose answer an outage has swallowed.
        take_over: count owners on other hosts as dead.
    """
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    lost = [t for t in running if t.number not in (mine or ()) and _is_lost(t, mine, take_over)]
    for trial in lost:
        _settle(study, trial)
    return [trial.number for trial in lost]


def _is_lost(trial: FrozenTrial, mine: Collection[int] | None, take_over: bool) -> bool:
    owner = trial.user_attrs.get("owner")
    if ownership.is_dead(owner) or (mine is not None and ownership.is_mine(owner)):
        return True
    return take_over and ownership.host(owner) != ownership.host(ownership.me())


def _settle(study: optuna.Study, trial: FrozenTrial) -> None:
    owner = trial.user_attrs.get("owner", "nobody")
    record = trial.user_attrs.get("result")
    if record is not None:
        waiting.finish(study, trial, Outcome.from_record(record))
        log.info("trial %d: its sweeper (%s) is gone, its result was kept", trial.number, owner)
        return
    outcome = Outcome.interrupted(f"its sweeper ({owner}) is gone")
    again = waiting.requeue(study, trial, outcome, trial.user_attrs.get("retries", 0))
    log.info(
        "trial %d: its sweeper (%s) is gone%s",
        trial.number,
        owner,
        "; queued again" if again else "",
    )
