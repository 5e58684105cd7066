"""What came out of a retraining: the choice on validation, and means and spreads over seeds."""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from trialsmith import yaml12
from trialsmith.study.retraining.data_watch import chooses_data, noted
from trialsmith.study.retraining.plan import Plan, Run


@dataclass(frozen=True)
class Trained:
    """The runs of one candidate, and their `metrics.json`."""

    runs: Sequence[Run]
    metrics: Sequence[Mapping[str, Any]]

    @property
    def name(self) -> str:
        """Of the candidate."""
        return self.runs[0].candidate.name

    @property
    def scores(self) -> list[float]:
        """The monitored value at the best epoch of each run, on the validation split."""
        return [float(metrics["best"]) for metrics in self.metrics]


def trained(runs: Sequence[Run], folder: Path) -> list[Trained]:
    """The runs that came to their end, by candidate, in the order of the plan."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.candidate.name, []).append(run)
    return [
        Trained(group, [_json(folder / run.name / "metrics.json") for run in group])
        for group in groups.values()
    ]


def chosen(found: Sequence[Trained], direction: str) -> Trained:
    """The candidate with the best mean score on the validation split; the first of equals."""
    sign = -1 if direction == "maximize" else 1
    return min(found, key=lambda one: sign * fmean(one.scores))


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Mean and standard deviation (over n − 1; null of a single value), and the values."""
    known = [float(value) for value in values]
    deviation = stdev(known) if len(known) > 1 else None
    return {"mean": fmean(known), "std": deviation, "values": known}


def split_errors(one: Trained, split: str) -> dict[str, dict[str, Any]]:
    """Each target's errors on a split, over the seeds; nothing where it was not scored."""
    if not all(split in metrics for metrics in one.metrics):
        return {}
    first = one.metrics[0][split]
    return {
        target: {
            name: spread([metrics[split][target][name] for metrics in one.metrics])
            for name in errors
            if all(name in metrics[split][target] for metrics in one.metrics)
        }
        for target, errors in first.items()
    }


def final_results(
    plan: Plan, best: Trained, found: Sequence[Trained], failed: Sequence[Run], folder: Path
) -> dict[str, Any]:
    """What `final_results.json` holds."""
    config = _config(folder / best.runs[0].name)
    candidate = best.runs[0].candidate
    results: dict[str, Any] = {
        "source": plan.source,
        "chosen": best.name,
        "runs": [run.name for run in best.runs],
        "failed": [run.name for run in failed],
        "seeds": [_config(folder / run.name)["seed"] for run in best.runs],
        "overrides": list(plan.overrides),
        "monitor": best.metrics[0]["monitor"],
        "direction": config["direction"],
        "score": spread(best.scores),
        "score_in_search": candidate.value,
        "best_epochs": [metrics.get("best_epoch") for metrics in best.metrics],
        "units": best.metrics[0]["units"],
        "val": split_errors(best, "val"),
        "test": split_errors(best, "test"),
        "data": _data(plan, best, folder),
        "git_commit": noted(folder / best.runs[0].name).get("git_commit"),
        "git_commit_in_search": candidate.commit,
    }
    if len(found) > 1:
        results["candidates"] = [
            {
                "name": one.name,
                "score": spread(one.scores),
                "score_in_search": one.runs[0].candidate.value,
                "params": dict(one.runs[0].candidate.params),
            }
            for one in found
        ]
    return results


def training_history(runs: Sequence[Run], folder: Path) -> dict[str, dict[str, list[float | None]]]:
    """Every epoch of every run: run → metric → its values by epoch; null where it has none.

    A run over all folds has a history for each of them, `run/fold_0`.
    """
    found = {}
    for run in runs:
        for part in trainings(folder / run.name):
            if (part / "history.csv").is_file():
                found[part.relative_to(folder).as_posix()] = _history(part / "history.csv")
    return found


def trainings(run: Path) -> list[Path]:
    """The folder of a run, or those of its folds where it was one over all of them."""
    return sorted(run.glob("fold_*")) or [run]


def configuration(best: Trained, folder: Path) -> dict[str, Any]:
    """The resolved configuration of the chosen candidate; `seed` lists all seeds."""
    config = _config(folder / best.runs[0].name)
    return {**config, "seed": [_config(folder / run.name)["seed"] for run in best.runs]}


def _data(plan: Plan, best: Trained, folder: Path) -> dict[str, Any]:
    found = noted(folder / best.runs[0].name).get("data_fingerprint")
    searched = best.runs[0].candidate.fingerprint
    return {
        "fingerprint": found,
        "fingerprint_in_search": searched,
        "same_as_in_search": None if searched is None else searched == found,
        "asked_for": [word for word in plan.overrides if chooses_data(word)],
    }


def _history(path: Path) -> dict[str, list[float | None]]:
    with path.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        rows = list(table)
    return {name: [_number(row[name]) for row in rows] for name in (table.fieldnames or ())}


def _number(text: str | None) -> float | None:
    if not text:
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def _config(folder: Path) -> dict[str, Any]:
    config: dict[str, Any] = yaml12.load((folder / "config.yaml").read_text(encoding="utf-8"))
    return config


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
