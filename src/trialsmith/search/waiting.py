"""Trials that wait to be run: points that the user asked for, and trials that were interrupted.

They wait in the study itself, so that any sweeper that shares it can take them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from trialsmith.errors import SearchError
from trialsmith.search.domains import identity
from trialsmith.search.nearest import suggestion
from trialsmith.search.outcome import Outcome
from trialsmith.search.space import Point, Space

LASTING = ("params", "enqueued", "retry_of")  # what a queued trial says of itself
CLAIM = "trialsmith:claim:"  # before an owner; a system attribute, for it is nothing of the user's


def enqueue(study: optuna.Study, space: Space, points: Sequence[Point]) -> int:
    """Queue the points that the study does not know yet; returns how many.

    A point may leave parameters open; the sampler fills them in. A point counts as known when it
    was queued before, by this or an earlier invocation.

    Raises:
        SearchError: see `check_points`.
    """
    check_points(space, points)
    known = {identity(t.user_attrs["enqueued"]) for t in _trials(study) if _enqueued(t)}
    fresh = [point for point in points if identity(point) not in known]
    for point in fresh:
        _add(study, {"enqueued": point})
    return len(fresh)


def check_points(space: Space, points: Sequence[Point]) -> None:
    """Refuse points that the space does not hold.

    Raises:
        SearchError: names every key that is unknown and every value out of its range.
    """
    found = []
    for k, point in enumerate(points, start=1):
        unknown = [key for key in point if key not in space.keys]
        found += [
            f"point {k}: {key} is not searched{suggestion(key, space.keys)}" for key in unknown
        ]
        try:
            if not unknown:
                space.completed(point, np.random.default_rng(0))
        except ValueError as error:
            found.append(f"point {k}: {error}")
    if found:
        lines = "\n  ".join(found)
        raise SearchError(f"hydra.sweeper.enqueue holds points that cannot be:\n  {lines}")


def requeue(study: optuna.Study, trial: FrozenTrial, outcome: Outcome, retries: int) -> bool:
    """End `trial` as interrupted and queue its point again; returns whether it was queued.

    Args:
        retries: how often the point has been tried again through a fault of its own.
    """
    # queued first: a crash between the two leaves a point that runs twice, not one that is lost
    has_point = "params" in trial.user_attrs or _enqueued(trial)
    queued = has_point and not _is_queued_again(study, trial)
    if queued:
        attributes = {key: trial.user_attrs[key] for key in LASTING if key in trial.user_attrs}
        _add(study, attributes | {"retry_of": trial.number, "retries": retries})
    finish(study, trial, outcome)
    return queued


def withdraw_retry(study: optuna.Study, trial: FrozenTrial) -> None:
    """Take the point of `trial` from the queue, where it waits to be tried again."""
    why = Outcome.interrupted(f"withdrawn: trial {trial.number} has its result")
    for other in _trials(study):
        if other.user_attrs.get("retry_of") == trial.number and other.state == TrialState.WAITING:
            _note_failure(study, other, why)
            study._storage.set_trial_state_values(other._trial_id, state=TrialState.FAIL)


def finish(study: optuna.Study, trial: FrozenTrial, outcome: Outcome) -> None:
    """Store how `trial` ended; nothing happens when somebody else has done so already."""
    try:
        if outcome.state == "failed":
            _note_failure(study, trial, outcome)
    except UpdateFinishedTrialError:
        return
    state = {
        "complete": TrialState.COMPLETE,
        "pruned": TrialState.PRUNED,
        "failed": TrialState.FAIL,
    }[outcome.state]
    values = list(outcome.values) if outcome.state == "complete" else None
    try:
        study.tell(trial.number, values=values, state=state, skip_if_finished=True)
    except (UpdateFinishedTrialError, ValueError):
        # finished, or queued, between the look and the word
        return


def _note_failure(study: optuna.Study, trial: FrozenTrial, outcome: Outcome) -> None:
    study._storage.set_trial_user_attr(trial._trial_id, "failure", outcome.failure)
    study._storage.set_trial_user_attr(trial._trial_id, "message", outcome.message)


def claim(study: optuna.Study, trial: FrozenTrial, owner: str) -> None:
    """Say that `owner` is about to take `trial`. Several may, and one of them will succeed."""
    study._storage.set_trial_system_attr(trial._trial_id, f"{CLAIM}{owner}", True)


def claims(trial: FrozenTrial) -> list[str]:
    """Everybody who has claimed `trial`."""
    return [key.removeprefix(CLAIM) for key in trial.system_attrs if key.startswith(CLAIM)]


def _add(study: optuna.Study, attributes: dict[str, Any]) -> None:
    study.add_trial(optuna.trial.create_trial(state=TrialState.WAITING, user_attrs=attributes))


def _is_queued_again(study: optuna.Study, trial: FrozenTrial) -> bool:
    return any(other.user_attrs.get("retry_of") == trial.number for other in _trials(study))


def _enqueued(trial: FrozenTrial) -> bool:
    return "enqueued" in trial.user_attrs


def _trials(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False)
