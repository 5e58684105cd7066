"""A trial as its folder tells of it: scores, curves, and what the fusion did."""

import csv
import json
import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialsmith import yaml12
from trialsmith.study.table import StudyTable, TrialRow

log = logging.getLogger(__name__)

SITES = ("dynamic", "middle", "fine_grained", "cross_modal")


@dataclass(frozen=True)
class Weights:
    """What the atoms make of graph and text after one ALIGNN layer, on average over an epoch."""

    epoch: int
    layer: int
    graph: float
    text: float

    @property
    def ratio(self) -> float:
        """Graph to text, (1 + w_graph)/w_text: the graph also passes by the fusion."""
        return (1 + self.graph) / self.text if self.text > 0 else math.nan


@dataclass(frozen=True)
class Run:
    """One complete trial.

    Attributes:
        params: the searched values by config key, without the seed.
        layers: the ALIGNN layers after which text enters, counted from 1.
        sites: the parts of the fusion in use; none: graph only.
        texts: `given`, `shuffled` or `removed`.
        val_mae: at the best epoch, in `unit`; the trial's score.
        test_mae: at the same epoch; NaN where the test split was not scored.
        train_loss, val_loss: epoch by epoch.
        weights: of dynamic fusion, by epoch and layer.
    """

    number: int
    seed: int
    params: Mapping[str, Any]
    layers: tuple[int, ...]
    sites: tuple[str, ...]
    texts: str
    val_mae: float
    test_mae: float = math.nan
    train_loss: tuple[float, ...] = ()
    val_loss: tuple[float, ...] = ()
    weights: tuple[Weights, ...] = ()

    @property
    def final_weights(self) -> tuple[Weights, ...]:
        """Those of the last epoch, one for each fused layer."""
        last = max((row.epoch for row in self.weights), default=0)
        return tuple(row for row in self.weights if row.epoch == last)


def read_runs(table: StudyTable, folder: Path) -> list[Run]:
    """The study's complete trials; those whose folder is not on this machine are left out.

    Args:
        folder: the study's.
    """
    runs = []
    for trial in table.trials:
        if not trial.scored:
            continue
        try:
            runs.append(read_run(trial, folder / str(trial.folder)))
        except (FileNotFoundError, NotADirectoryError) as missing:
            log.warning("trial %d is left out of the comparison: %s", trial.number, missing)
    return runs


def read_run(trial: TrialRow, folder: Path) -> Run:
    """One trial and the folder it left.

    Raises:
        FileNotFoundError: the folder lacks `config.yaml` or `metrics.json`.
    """
    config = yaml12.load((folder / "config.yaml").read_text(encoding="utf-8"))
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    history = _rows(folder / "history.csv")
    fusion = config["fusion"]
    sites = {name: fusion[name] for name in SITES if _in_use(fusion, name)}
    return Run(
        number=trial.number,
        seed=config["seed"],
        params={key: value for key, value in trial.params.items() if key != "seed"},
        layers=tuple(sorted(_layers(sites))),
        sites=tuple(sites),
        texts=config["data"].get("texts", "given"),
        val_mae=trial.values[0],
        test_mae=_test_mae(metrics),
        train_loss=_column(history, "train/loss"),
        val_loss=_column(history, "val/loss"),
        weights=tuple(_weights(_rows(folder / "fusion_weights.csv"))),
    )


def _in_use(fusion: Mapping[str, Any], site: str) -> bool:
    part = fusion.get(site)
    # without attention, cross_modal still joins the two vectors
    return part is not None and (part.get("use", True) or site == "cross_modal")


def _layers(sites: Mapping[str, Mapping[str, Any]]) -> Iterator[int]:
    for name in ("dynamic", "middle"):
        layers = sites.get(name, {}).get("layers", [])
        yield from (
            int(n) for n in (layers if isinstance(layers, list) else str(layers).split(","))
        )


def _test_mae(metrics: Mapping[str, Any]) -> float:
    """Of a single target: errors of several have no common unit."""
    errors = list(metrics.get("test", {}).values())
    return float(errors[0]["mae"]) if len(errors) == 1 else math.nan


def _weights(rows: list[dict[str, str]]) -> Iterator[Weights]:
    for row in rows:
        if row["site"] == "dynamic":
            graph, text = float(row["w_graph"]), float(row["w_text"])
            yield Weights(int(row["epoch"]), int(float(row["layer"])), graph, text)


def _column(rows: list[dict[str, str]], name: str) -> tuple[float, ...]:
    return tuple(float(row[name]) for row in rows if row.get(name))


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file; none where a run leaves no such file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
