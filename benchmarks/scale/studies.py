"""Finished studies of any size, written at once instead of searched for."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from optuna.distributions import FloatDistribution, distribution_to_json
from optuna.storages._rdb import models
from optuna.storages.journal._storage import JournalOperation
from optuna.trial import TrialState

NAME = "scale"
EPOCHS = 100
X, LR = FloatDistribution(0.0, 1.0), FloatDistribution(1e-5, 1e-1, log=True)
MOMENT = "2026-11-21T12:00:00+00:00"


def curves(trials: int, epochs: int = EPOCHS) -> Iterator[tuple[float, float, list[float]]]:
    """For each trial its two parameters and the value of every epoch."""
    draw = random.Random(0)
    for _ in range(trials):
        x, lr = draw.random(), 10 ** draw.uniform(-5, -1)
        level = (x - 0.3) ** 2
        yield x, lr, [level + 1 / (1 + epoch) + 0.01 * draw.random() for epoch in range(epochs)]


def journal(path: Path, trials: int) -> str:
    """A journal with a line for every event, as a search writes it; returns its URL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        for line in _lines(trials):
            file.write(json.dumps({"worker_id": "0" * 36 + "-140000000000000", **line}) + "\n")
    return f"journal://{path}"


def _lines(trials: int) -> Iterator[dict[str, Any]]:
    op = JournalOperation
    yield {"op_code": op.CREATE_STUDY, "study_name": NAME, "directions": [1]}
    distributions = {"x": distribution_to_json(X), "lr": distribution_to_json(LR)}
    for number, (x, lr, values) in enumerate(curves(trials)):
        of = {"trial_id": number}
        yield {"op_code": op.CREATE_TRIAL, "study_id": 0, "datetime_start": MOMENT}
        for name, value in (("x", x), ("lr", lr)):
            yield of | {
                "op_code": op.SET_TRIAL_PARAM,
                "param_name": name,
                "param_value_internal": value,
                "distribution": distributions[name],
            }
        yield of | {"op_code": op.SET_TRIAL_USER_ATTR, "user_attr": {"params": {"x": x, "lr": lr}}}
        for step, value in enumerate(values):
            yield of | {
                "op_code": op.SET_TRIAL_INTERMEDIATE_VALUE,
                "step": step,
                "intermediate_value": value,
            }
        yield of | {
            "op_code": op.SET_TRIAL_STATE_VALUES,
            "state": 1,
            "values": [min(values)],
            "datetime_complete": MOMENT,
        }


def database(url: str, trials: int, name: str = NAME) -> None:
    """The same in the tables of a database, which holds no other study yet or only such."""
    storage = optuna.storages.RDBStorage(url)
    study = optuna.create_study(storage=storage, study_name=name)
    of = {"study_id": study._study_id, "state": TrialState.COMPLETE}
    tables: dict[Any, list[dict[str, Any]]] = {
        models.TrialModel: [{"number": number, **of} for number in range(trials)]
    }
    with storage.engine.begin() as connection:
        connection.execute(sqlalchemy.insert(models.TrialModel), tables.pop(models.TrialModel))
        query = sqlalchemy.select(models.TrialModel.trial_id, models.TrialModel.number)
        here = models.TrialModel.study_id == study._study_id
        ids = {number: trial for trial, number in connection.execute(query.where(here))}
        reports = []
        for number, (x, lr, values) in enumerate(curves(trials)):
            trial = {"trial_id": ids[number]}
            for parameter, value, distribution in (("x", x, X), ("lr", lr, LR)):
                row = {"param_name": parameter, "param_value": value}
                row["distribution_json"] = distribution_to_json(distribution)
                tables.setdefault(models.TrialParamModel, []).append(trial | row)
            point = {"key": "params", "value_json": json.dumps({"x": x, "lr": lr})}
            tables.setdefault(models.TrialUserAttributeModel, []).append(trial | point)
            score = {"objective": 0, "value": min(values), "value_type": "FINITE"}
            tables.setdefault(models.TrialValueModel, []).append(trial | score)
            reports += [(ids[number], step, value, "FINITE") for step, value in enumerate(values)]
        for table, rows in tables.items():
            connection.execute(sqlalchemy.insert(table), rows)
        _insert_reports(connection.connection.cursor(), url, reports)
        if not url.startswith("sqlite"):
            connection.execute(sqlalchemy.text("ANALYZE"))  # as a server does by itself in time
    storage.remove_session()


def _insert_reports(cursor: Any, url: str, rows: list[tuple[int, int, float, str]]) -> None:
    """A million rows, in the quickest way that the driver has."""
    names = "(trial_id, step, intermediate_value, intermediate_value_type)"
    table = f"trial_intermediate_values {names}"
    if url.startswith("postgresql+psycopg"):
        with cursor.copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return
    cursor.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", rows)
