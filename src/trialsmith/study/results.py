"""What a study found, as the texts of its files. Pure: from a table to text."""

from typing import Any

from trialsmith.study.formats import to_csv, to_json, to_yaml
from trialsmith.study.table import StudyTable, TrialRow


def result_files(table: StudyTable) -> dict[str, str | None]:
    """Text of every data file of a study by its name; None: a file that must not be there.

    `best_params.json` and `best_trial_info.yaml` need one best trial, so they are absent before
    the first complete trial and with several objectives, where `solutions` in
    `optimization_results.yaml` is the answer.
    """
    best = table.best
    return {
        "best_params.json": None if best is None else to_json(best.params),
        "best_trial_info.yaml": None if best is None else to_yaml(trial_info(table, best)),
        "all_trials.csv": all_trials(table),
        "study_summary.json": to_json(summary(table)),
        "optimization_results.yaml": to_yaml(optimization_results(table)),
    }


def trial_info(table: StudyTable, trial: TrialRow) -> dict[str, Any]:
    """Everything known of one trial."""
    return {
        "number": trial.number,
        "state": trial.state,
        **_failure(trial),
        **_value(table, trial),
        "unit": table.unit,
        "params": trial.params,
        "folder": trial.folder,
        "start": trial.start,
        "end": trial.end,
        "seconds": trial.seconds,
        "epochs": trial.epochs,
        "attributes": trial.attributes,
    }


def summary(table: StudyTable) -> dict[str, Any]:
    """The study: its objectives, counts, best trial (several objectives: the front), trials."""
    best = table.best
    return {
        "name": table.name,
        "objectives": table.objectives,
        "directions": table.directions,
        "unit": table.unit,
        "n_trials": len(table.trials),
        "states": table.counts,
        "failures": table.failures,
        "best_trial": None if best is None else _brief(table, best),
        **_pareto_front(table),
        "trials": [_brief(table, trial) for trial in table.trials],
    }


def optimization_results(table: StudyTable) -> dict[str, Any]:
    """What hydra-optuna-sweeper writes, with config keys: `name`, then the best or the front."""
    if len(table.directions) > 1:
        front = [{"params": trial.params, "values": trial.values} for trial in table.front]
        return {"name": "optuna", "solutions": front}
    best = table.best
    return {
        "name": "optuna",
        "best_params": {} if best is None else best.params,
        "best_value": None if best is None else best.values[0],
    }


def all_trials(table: StudyTable) -> str:
    """One CSV row a trial: what happened, every parameter by its config key, its metrics.

    Columns: number, state, failure, the objectives (`value` for a single one), epochs, start,
    end, seconds, the parameters, folder, message, the other attributes. A parameter named like
    one of the first is in `params.<key>`, an attribute named like any other in `attribute.<key>`.
    """
    names = ["value"] if len(table.directions) == 1 else list(table.objectives)
    facts = [_facts(trial) | dict(zip(names, trial.values, strict=False)) for trial in table.trials]
    extras = [
        {"folder": t.folder, "message": t.message} | _flat(t.attributes) for t in table.trials
    ]
    first = ["number", "state", "failure", *names, "epochs", "start", "end", "seconds"]
    params = {key: f"params.{key}" if key in first else key for key in table.keys}
    used = {*first, *params.values()}
    last = dict.fromkeys(["folder", "message", *(key for extra in extras for key in extra)])
    attributes = {key: f"attribute.{key}" if key in used else key for key in last}
    rows = (
        _known(fact) | _renamed(trial.params, params) | _renamed(_known(extra), attributes)
        for trial, fact, extra in zip(table.trials, facts, extras, strict=True)
    )
    return to_csv([*first, *params.values(), *attributes.values()], rows)


def _facts(trial: TrialRow) -> dict[str, Any]:
    return {
        "number": trial.number,
        "state": trial.state,
        "failure": trial.failure,
        "epochs": trial.epochs,
        "start": trial.start,
        "end": trial.end,
        "seconds": trial.seconds,
    }


def _known(values: dict[str, Any]) -> dict[str, Any]:
    """`values` less what is not known, which an empty cell shows."""
    return {key: value for key, value in values.items() if value is not None and value != ""}


def _renamed(values: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names[key]: value for key, value in values.items()}


def _value(table: StudyTable, trial: TrialRow) -> dict[str, Any]:
    """`value`, or `values` by objective; null for a trial that has none."""
    if len(table.directions) == 1:
        return {"value": trial.values[0] if trial.values else None}
    return {"values": dict(zip(table.objectives, trial.values, strict=False)) or None}


def _brief(table: StudyTable, trial: TrialRow) -> dict[str, Any]:
    return {
        "number": trial.number,
        "state": trial.state,
        **_failure(trial),
        **_value(table, trial),
        "params": trial.params,
        "folder": trial.folder,
    }


def _pareto_front(table: StudyTable) -> dict[str, list[int]]:
    """Only several objectives have a front worth the name."""
    several = len(table.directions) > 1
    return {"pareto_front": [trial.number for trial in table.front]} if several else {}


def _failure(trial: TrialRow) -> dict[str, str]:
    if not trial.failure:
        return {}
    return {"failure": trial.failure, "message": trial.message}


def _flat(attributes: dict[str, Any]) -> dict[str, Any]:
    """Attributes one level flat: `metrics: {val/mae: 0.1}` becomes `metrics.val/mae`."""
    flat: dict[str, Any] = {}
    for key, value in attributes.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{name}": item for name, item in value.items()}
        else:
            flat[key] = value
    return flat
