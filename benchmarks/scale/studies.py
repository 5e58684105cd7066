"""Finished studies of any size, written at once instead of searched for."""

import json
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import FloatDistribution, distribution_to_json
from optuna.storages.journal._storage import JournalOperation
from optuna.trial import TrialState, create_trial

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


def sqlite(path: Path, trials: int) -> str:
    """The same in a database; returns its URL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{path}"
    storage = optuna.storages.RDBStorage(url)
    study = optuna.create_study(storage=storage, study_name=NAME)
    rows = []
    for x, lr, values in curves(trials):
        trial = create_trial(
            params={"x": x, "lr": lr},
            distributions={"x": X, "lr": LR},
            value=min(values),
            state=TrialState.COMPLETE,
            user_attrs={"params": {"x": x, "lr": lr}},
        )
        number = storage.create_new_trial(study._study_id, template_trial=trial)
        rows += [(number, step, value, "FINITE") for step, value in enumerate(values)]
    storage.remove_session()
    with sqlite3.connect(path) as database:
        database.executemany(
            "INSERT INTO trial_intermediate_values "
            "(trial_id, step, intermediate_value, intermediate_value_type) VALUES (?, ?, ?, ?)",
            rows,
        )
    return url
