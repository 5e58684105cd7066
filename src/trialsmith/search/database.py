"""A study in a database: Optuna's tables, asked for what is needed and no more.

Three things make Optuna's own slow beside thousands of trials, each of a hundred reports:

- a pruning check of a new process reads every trial with all that belongs to it: here the values of
  a few steps, and later those of the trials that were completed since;
- a report is five statements through the object mapper: here it is one;
- to see one trial's system attributes, which successive halving does at every step, all of the
  trial is read: here they are.
"""

import json
import math
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.storages import RDBStorage
from optuna.storages._cached_storage import _CachedStorage
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import Connection, Select, bindparam, case, insert, select, union_all
from sqlalchemy.exc import IntegrityError

from trialsmith.search.by_step import ByRung, ByStep, Columns

SCHEMA = 12  # the version of the tables that is known here
STEPS = 8  # that are read together: a training asks for one after the other
MANY = 500  # trials completed between two looks, after which the columns are read anew
RUNG = "completed_rung_"  # as Optuna calls it

Trial = models.TrialModel
Report = models.TrialIntermediateValueModel
Attribute = models.TrialSystemAttributeModel
Kind = Report.TrialIntermediateValueType

NUMBERS = {Kind.NAN: math.nan, Kind.INF_POS: math.inf, Kind.INF_NEG: -math.inf}
"""Values that no column of numbers holds."""


class Database(_CachedStorage, ByStep, ByRung):
    """A study's storage in a database whose tables have the version `SCHEMA`."""

    def __init__(self, backend: RDBStorage) -> None:
        super().__init__(backend)
        self._complete: dict[int, _Complete] = {}

    def completed_at(self, study_id: int, step: int) -> tuple[int, np.ndarray]:
        with self._lock, self._backend.engine.connect() as connection:
            known = self._complete.setdefault(study_id, _Complete(study_id))
            known.look(connection)
            return len(known.trials), known.column(connection, step)

    def rungs(self, study_id: int) -> list[FrozenTrial]:
        with self._backend.engine.connect() as connection:
            rows = connection.execute(_RUNGS, {"study": study_id}).all()
        attributes: dict[tuple[int, int], dict[str, Any]] = {}
        for trial_id, number, key, value in rows:
            attributes.setdefault((trial_id, number), {})[key] = json.loads(value)
        return [_shell(*names, noted) for names, noted in attributes.items()]

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        value, kind = Report.intermediate_value_to_stored_repr(intermediate_value)
        given = {"trial": trial_id, "step": step, "value": value, "kind": kind}
        try:
            with self._backend.engine.begin() as connection:
                stored = connection.execute(_REPORT, given).rowcount
        except IntegrityError:  # there is a value of this step
            stored = 0
        if stored != 1:  # it is replaced; or the trial has ended, and Optuna says so
            super().set_trial_intermediate_value(trial_id, step, intermediate_value)

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        given = (trial_id, param_name, param_value_internal, distribution)
        if trial_id in self._trial_id_to_study_id_and_number:
            super().set_trial_param(*given)
        else:  # neither made nor read here, as in a proxy that was restarted: Optuna's has an error
            self._backend.set_trial_param(*given)

    def get_trial_system_attrs(self, trial_id: int) -> dict[str, Any]:
        return self._backend.get_trial_system_attrs(trial_id)


@dataclass
class _Complete:
    """What is known of a study's complete trials, none of which ever changes.

    Attributes:
        last: the highest id of a finished trial that was seen.
        open: the ids of those that had not finished.
        trials: the ids of the complete ones.
        columns: their reports at the `steps`.
    """

    study: int
    last: int = -1
    open: set[int] = field(default_factory=set)
    trials: set[int] = field(default_factory=set)
    columns: Columns = field(default_factory=Columns)
    steps: set[int] = field(default_factory=set)

    def look(self, connection: Connection) -> None:
        """Take in the trials that were completed since the last look."""
        given = {"study": self.study, "last": self.last, "open": list(self.open)}
        states = connection.execute(_UNKNOWN, given).all()
        new = {trial_id for trial_id, state in states if state == TrialState.COMPLETE} - self.trials
        again = len(new) > MANY
        reports: Sequence[Any] = ()
        if new and self.steps and not again:
            reports = connection.execute(_REPORTS.where(Report.trial_id.in_(new))).all()
        # all is read, so that a connection that breaks leaves nothing half known
        if again:
            self.columns, self.steps = Columns(), set()
        self.open = {trial_id for trial_id, state in states if not state.is_finished()}
        self.last = max(
            [self.last, *(trial_id for trial_id, state in states if state.is_finished())]
        )
        self.trials |= new
        self._add(reports, self.steps)

    def column(self, connection: Connection, step: int) -> np.ndarray:
        """The reports at `step`; some more steps are read with it."""
        if step not in self.steps:
            steps = {*range(step, step + STEPS)} - self.steps
            given = {"study": self.study, "first": step, "last": max(steps)}
            self._add(connection.execute(_COLUMNS, given).all(), steps)
            self.steps |= steps
        return self.columns.at(step)

    def _add(self, rows: Iterable[Any], steps: Container[int]) -> None:
        self.columns.add(
            (step, NUMBERS[Kind(kind)] if value is None else value)
            for trial_id, step, value, kind in rows
            if step in steps and trial_id in self.trials
        )


# Trials but for those that are known to have finished. Two queries in one, each with its index: of
# an `or` SQLite looks at every trial.
_STATES = select(Trial.trial_id, Trial.state)
_UNKNOWN = union_all(
    _STATES.where(Trial.study_id == bindparam("study"), Trial.trial_id > bindparam("last")),
    _STATES.where(Trial.trial_id.in_(bindparam("open", expanding=True))),
)
# the kind as a number: SQLAlchemy would look at every one as a name
_KINDS = case(*((Report.intermediate_value_type == kind, kind.value) for kind in Kind))
_REPORTS: Select[Any] = select(Report.trial_id, Report.step, Report.intermediate_value, _KINDS)
_COLUMNS = _REPORTS.join(Trial).where(
    Trial.study_id == bindparam("study"),
    Trial.state == TrialState.COMPLETE,
    Report.step.between(bindparam("first"), bindparam("last")),
)
_RUNGS = (
    select(Trial.trial_id, Trial.number, Attribute.key, Attribute.value_json)
    .join(Attribute)
    .where(Trial.study_id == bindparam("study"), Attribute.key.startswith(RUNG, autoescape=True))
)


def _report() -> Any:
    """Stores a value, unless the trial has ended."""
    names = ("trial_id", "step", "intermediate_value", "intermediate_value_type")
    given = (
        bindparam(word, type_=Report.__table__.c[name].type)
        for word, name in zip(("trial", "step", "value", "kind"), names, strict=True)
    )
    unfinished = Trial.state.in_((TrialState.RUNNING, TrialState.WAITING))
    row = select(*given).where(Trial.trial_id == bindparam("trial"), unfinished)
    # of an insertion SQLAlchemy does not keep the count of rows unasked
    return insert(Report).from_select(names, row).execution_options(preserve_rowcount=True)


_REPORT = _report()


def _shell(trial_id: int, number: int, system_attrs: dict[str, Any]) -> FrozenTrial:
    """A trial of which nothing is known but these."""
    return FrozenTrial(
        number=number,
        trial_id=trial_id,
        state=TrialState.RUNNING,
        value=None,
        datetime_start=None,
        datetime_complete=None,
        params={},
        distributions={},
        user_attrs={},
        system_attrs=system_attrs,
        intermediate_values={},
    )
