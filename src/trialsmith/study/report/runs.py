"""What a trial left in its folder, as far as the report shows it."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from trialsmith.spreadsheet import unguard
from trialsmith.study.table import TrialRow

LARGEST = 64 * 2**20  # bytes of a file that is read at every update of the page


@dataclass(frozen=True)
class Prediction:
    """True and predicted values of one target on one split; of classes, their names."""

    target: str
    split: str
    ids: list[str]
    true: list[Any]
    predicted: list[Any]
    classes: bool = False


@dataclass(frozen=True)
class Run:
    """A trial's folder: predictions, `fusion_weights.csv` by rows, `provenance.yaml`."""

    predictions: list[Prediction] = field(default_factory=list)
    fusion: list[dict[str, str]] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)


def read_run(study: Path, trial: TrialRow | None) -> Run:
    """What is there of `trial`'s folder; a file that is missing or torn is left out."""
    if trial is None or trial.folder is None:
        return Run()
    folder = study / trial.folder
    return Run(
        predictions=_predictions(list(map(_unguarded, _rows(folder / "predictions.csv")))),
        fusion=_rows(folder / "fusion_weights.csv"),
        provenance=_mapping(folder / "provenance.yaml"),
    )


def present(study: Path, trials: Sequence[TrialRow]) -> set[str]:
    """The trials' folders that exist on this machine: one listing a day and hour, not one each."""
    parents = {Path(trial.folder).parent for trial in trials if trial.folder is not None}
    found = set()
    for parent in parents:
        try:
            found |= {str(parent / path.name) for path in (study / parent).iterdir()}
        except OSError:
            continue
    return {t.folder for t in trials if t.folder is not None and str(Path(t.folder)) in found}


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        if path.stat().st_size > LARGEST:
            return []
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error):
        return []


def _unguarded(row: dict[str, str]) -> dict[str, str]:
    # a row that is torn, or too long, has None among its cells or names
    return {
        unguard(name): unguard(cell)
        for name, cell in row.items()
        if isinstance(name, str) and isinstance(cell, str)
    }


def _mapping(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}


def _predictions(rows: list[dict[str, str]]) -> list[Prediction]:
    """One for each target and split of `predictions.csv`."""
    if not rows or not {"id", "split"} <= rows[0].keys():
        return []
    targets = [name.removesuffix("_true") for name in rows[0] if name.endswith("_true")]
    splits = dict.fromkeys(row["split"] for row in rows)
    return [
        prediction
        for target in targets
        for split in splits
        if (prediction := _prediction(target, split, rows)) is not None
    ]


def _prediction(target: str, split: str, rows: list[dict[str, str]]) -> Prediction | None:
    chosen = [row for row in rows if row["split"] == split]
    try:
        ids = [row["id"] for row in chosen]
        true: list[Any] = [row[f"{target}_true"] for row in chosen]
        predicted: list[Any] = [row[f"{target}_predicted"] for row in chosen]
        if "probability" in rows[0]:
            return Prediction(target, split, ids, true, predicted, classes=True)
        numbers = [float(value) for value in true], [float(value) for value in predicted]
    except (KeyError, TypeError, ValueError):
        return None
    if not all(map(math.isfinite, numbers[0] + numbers[1])):
        return None
    return Prediction(target, split, ids, *numbers)
