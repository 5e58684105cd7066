"""A study as plain values: what every file, page and screen of this package is made from.

One reading of the storage serves them all, so that they agree with each other.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

Direction = Literal["minimize", "maximize"]

STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


@dataclass(frozen=True)
class TrialRow:
    """One trial.

    `failure` is the kind of a failed trial's end ("diverged", "out_of_memory", …), else "".
    `values` has one entry an objective and is empty for a trial without a value; a pruned trial
    holds the last value that it reported. `epochs` is how many it reported (its last step, from
    0, plus one), `seconds` how long it took. `params` maps config keys to the trial's values;
    `sampled` maps those that Optuna chose to its own value (to it, a list is text) and to what it
    was chosen from. `reports` are the values on the way by step. `folder` is relative to the
    study's. `attributes` are the user attributes not named here.
    """

    number: int
    state: str
    failure: str
    message: str
    values: tuple[float, ...]
    epochs: int | None
    start: datetime | None
    end: datetime | None
    seconds: float | None
    params: dict[str, Any]
    sampled: dict[str, tuple[Any, BaseDistribution]]
    folder: str | None
    feasible: bool
    reports: Mapping[int, float]
    attributes: dict[str, Any]

    @property
    def scored(self) -> bool:
        """Whether the trial can be the best one: complete, within its constraints, not NaN."""
        known = bool(self.values) and not any(math.isnan(value) for value in self.values)
        return self.state == "complete" and self.feasible and known


@dataclass(frozen=True)
class StudyTable:
    """A study at one moment.

    `objectives` and `directions` have one entry an objective; `unit` is the first one's.
    """

    name: str
    objectives: tuple[str, ...]
    directions: tuple[Direction, ...]
    unit: str
    trials: tuple[TrialRow, ...]
    attributes: dict[str, Any]

    @property
    def signs(self) -> tuple[int, ...]:
        """What to multiply each objective by so that less is better."""
        return tuple(-1 if direction == "maximize" else 1 for direction in self.directions)

    @cached_property
    def best(self) -> TrialRow | None:
        """The best trial, the earliest of equals; None without one, or with several objectives."""
        return best_of(self.trials, self.directions)

    @cached_property
    def front(self) -> list[TrialRow]:
        """The trials that no other one beats in every objective; the best one if there is one."""
        if len(self.directions) == 1:
            return [] if self.best is None else [self.best]
        front: list[TrialRow] = []
        # in this order no trial is dominated by a later one
        for trial in sorted((trial for trial in self.trials if trial.scored), key=self._signed):
            if not any(self.dominates(better, trial) for better in front):
                front.append(trial)
        return sorted(front, key=lambda trial: trial.number)

    @cached_property
    def keys(self) -> list[str]:
        """Every parameter that any trial sampled, in the order of first appearance."""
        return list(dict.fromkeys(key for trial in self.trials for key in trial.params))

    @property
    def counts(self) -> dict[str, int]:
        """Number of trials by state; every state is there."""
        counted = Counter(trial.state for trial in self.trials)
        return {state: counted[state] for state in STATES.values()}

    @property
    def failures(self) -> dict[str, int]:
        """Number of failed trials by kind, the most frequent first."""
        failed = (trial for trial in self.trials if trial.state == "failed")
        return dict(Counter(trial.failure or "error" for trial in failed).most_common())

    def dominates(self, one: TrialRow, other: TrialRow) -> bool:
        """Whether `one` is nowhere worse than `other`, and better somewhere; both are scored."""
        a, b = self._signed(one), self._signed(other)
        return a != b and all(x <= y for x, y in zip(a, b, strict=True))

    def _signed(self, trial: TrialRow) -> tuple[float, ...]:
        return tuple(sign * value for sign, value in zip(self.signs, trial.values, strict=True))


def read(study: optuna.Study) -> StudyTable:
    """The study as it stands in its storage now."""
    attributes = dict(study.user_attrs)
    trials = study.get_trials(deepcopy=False)
    directions = tuple(direction_of(direction) for direction in study.directions)
    return StudyTable(
        name=study.study_name,
        objectives=objective_names(attributes.get("metric"), len(directions)),
        directions=directions,
        unit=unit_of(attributes, trials),
        trials=tuple(row(trial) for trial in trials),
        attributes=attributes,
    )


def best_of(trials: Iterable[TrialRow], directions: Sequence[Direction]) -> TrialRow | None:
    """The best of `trials` by a single objective, the earliest of equals; else None."""
    if len(directions) != 1:
        return None
    sign = -1 if directions[0] == "maximize" else 1
    scored = (trial for trial in trials if trial.scored)
    return min(scored, key=lambda trial: sign * trial.values[0], default=None)


def unit_of(attributes: Mapping[str, Any], trials: Iterable[FrozenTrial]) -> str:
    """The first objective's unit, by the study or else by a trial: only a job sees the data."""
    owners = (attributes, *(trial.user_attrs for trial in trials))
    return str(next(filter(None, (owner.get("unit") for owner in owners)), ""))


def direction_of(direction: StudyDirection) -> Direction:
    """Optuna's direction as a word."""
    return "maximize" if direction == StudyDirection.MAXIMIZE else "minimize"


def objective_names(metric: Any, number: int) -> tuple[str, ...]:
    """The objectives' names: the study's attribute `metric` names the first, or all of them."""
    named = [metric] if isinstance(metric, str) else list(metric or ())
    default = ["value"] if number == 1 else [f"value_{k}" for k in range(number)]
    return tuple(
        str(named[k]) if k < len(named) and named[k] else default[k] for k in range(number)
    )


def row(trial: FrozenTrial) -> TrialRow:
    """One trial of Optuna's as plain values."""
    attributes = dict(trial.user_attrs)
    attributes.pop("result", None)  # the outcome once more, as the job noted it before it ended
    params = attributes.pop("params", None)
    params = dict(params) if isinstance(params, Mapping) else dict(trial.params)
    folder = attributes.pop("folder", None)
    failure = str(attributes.pop("failure", None) or "") if trial.state == TrialState.FAIL else ""
    return TrialRow(
        number=trial.number,
        state=STATES[trial.state],
        failure=failure or ("error" if trial.state == TrialState.FAIL else ""),
        message=str(attributes.pop("message", None) or ""),
        values=tuple(float(value) for value in trial.values or ()),
        epochs=max(trial.intermediate_values) + 1 if trial.intermediate_values else None,
        start=trial.datetime_start,
        end=trial.datetime_complete,
        seconds=_seconds(trial, attributes.pop("seconds", None)),
        params=params,
        sampled=_sampled(trial, params),
        folder=None if folder is None else str(folder),
        feasible=all(value <= 0 for value in trial.constraints.values()),
        reports=trial.intermediate_values,
        attributes=attributes,
    )


def _seconds(trial: FrozenTrial, noted: float | None) -> float | None:
    """What the job itself took, where it noted that; else from the trial's begin to its end."""
    if noted is not None:
        return float(noted)
    if trial.datetime_start is None or trial.datetime_complete is None:
        return None
    return (trial.datetime_complete - trial.datetime_start).total_seconds()


def _sampled(trial: FrozenTrial, keys: Iterable[str]) -> dict[str, tuple[Any, BaseDistribution]]:
    """Optuna's values and distributions by config key.

    Optuna wants one name a set of choices: a parameter with branches is stored as `key@branch`,
    of which a trial has one.
    """
    names = {
        key: next((n for n in trial.params if n == key or n.startswith(f"{key}@")), None)
        for key in keys
    }
    return {
        key: (trial.params[name], trial.distributions[name])
        for key, name in names.items()
        if name is not None
    }
