"""Trials that a dead sweeper left running."""

import logging
from collections.abc import Collection, Set

import optuna
from optuna.trial import FrozenTrial, TrialState

from trialsmith.search import ownership, waiting
from trialsmith.search.outcome import Outcome

log = logging.getLogger(__name__)


def recover(
    study: optuna.Study, mine: Collection[int] | None = None, gone: Set[str] = frozenset()
) -> list[int]:
    """Settle the running trials that nobody works on any more; returns their numbers.

    A trial whose job had stored its result is finished with it. Any other is failed as interrupted
    and queued again with the same parameters; an orphan that still trains it stops at its next
    report, which finds the trial finished.

    Args:
        mine: all trials that this process runs itself; None where it runs others too. One that is
            its own and not among them was made by a call whose answer an outage has swallowed.
        gone: owners on other hosts that count as dead; see `elsewhere`.
    """
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    lost = [t for t in running if t.number not in (mine or ()) and _is_lost(t, mine, gone)]
    for trial in lost:
        _settle(study, trial)
    return [trial.number for trial in lost]


def elsewhere(study: optuna.Study) -> frozenset[str]:
    """Who on other hosts runs a trial, or is taking one."""
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    here = ownership.host(ownership.me())
    takers = {str(taker) for trial in running for taker in _takers(trial)}
    return frozenset(taker for taker in takers if ownership.host(taker) != here)


def _takers(trial: FrozenTrial) -> list[object]:
    """A trial's owner; without one it was being taken from the queue, by who may yet sign it."""
    owner = trial.user_attrs.get("owner")
    return list(waiting.claims(trial)) if owner is None else [owner]


def _is_lost(trial: FrozenTrial, mine: Collection[int] | None, gone: Set[str]) -> bool:
    return all(
        ownership.is_dead(taker)
        or (mine is not None and ownership.is_mine(taker))
        or str(taker) in gone
        for taker in _takers(trial)
    )


def _settle(study: optuna.Study, trial: FrozenTrial) -> None:
    why = f"its sweeper ({trial.user_attrs.get('owner', 'nobody')}) is gone"
    done = give_up(study, trial, why)
    log.info("trial %d: %s%s", trial.number, why, f"; {done}" if done else "")


def give_up(study: optuna.Study, trial: FrozenTrial, why: str) -> str:
    """End a trial that nobody runs any more; returns what was done for it, in words.

    Where its job had stored its result, that is the trial's end. Any other is failed as
    interrupted, and queued again if it has a point.
    """
    kept = outcome_kept(trial, why)
    if kept.failure != "interrupted":
        # a sweeper that died while it queued the trial again has left both
        waiting.withdraw_retry(study, trial)
        waiting.finish(study, trial, kept)
        return "its result was kept"
    outcome = Outcome.interrupted(why)
    again = waiting.requeue(study, trial, outcome, trial.user_attrs.get("retries", 0))
    return "queued again" if again else ""


def outcome_kept(trial: FrozenTrial, why: str) -> Outcome:
    """What the job of a trial had stored before it died; else it was interrupted for `why`."""
    record = trial.user_attrs.get("result")
    return Outcome.from_record(record) if record else Outcome.interrupted(why)
