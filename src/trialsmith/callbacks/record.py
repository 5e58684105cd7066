"""What a run leaves in its folder: its configuration, where it comes from, its result."""

import csv
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import lightning.pytorch as pl
import numpy as np
import torch

from trialsmith import yaml12
from trialsmith.callbacks.evaluation import history
from trialsmith.provenance import provenance, write_patch
from trialsmith.result import Predictions
from trialsmith.spreadsheet import guarded

log = logging.getLogger(__name__)


@runtime_checkable
class Annotated(Protocol):
    """A trial that keeps facts."""

    def annotate(self, **attributes: Any) -> None: ...


class RunRecord(pl.Callback):
    """Writes, before the first epoch, what the run is made of.

    `config.yaml` is the configuration with every interpolation resolved, `provenance.yaml` the
    commit, versions, host, command, seed and the data's fingerprint, `uncommitted.patch` what
    was changed since the commit, `skipped.csv` the rows of the data that could not be used. A
    trial is told its data and the unit of its score.
    """

    def __init__(
        self,
        folder: str | Path,
        config: Mapping[str, Any],
        data: Any,
        trial: Annotated | None = None,
    ) -> None:
        self.folder = Path(folder)
        self._config = dict(config)
        self._data = data
        self._trial = trial

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            record_run(self.folder, self._config, self._data, self._trial)


def record_run(
    folder: Path, config: Mapping[str, Any], data: Any, trial: Annotated | None = None
) -> None:
    """Write what a run is made of; see `RunRecord`."""
    computing = {
        "threads": torch.get_num_threads(),
        "matmul_precision": torch.get_float32_matmul_precision(),
        "seed": config.get("seed"),
    }
    record = {**provenance(), **computing, "data_fingerprint": data.fingerprint}
    write_patch(folder)
    (folder / "config.yaml").write_text(yaml12.dump(dict(config)), encoding="utf-8")
    (folder / "provenance.yaml").write_text(yaml12.dump(record), encoding="utf-8")
    if data.skipped:
        where = folder / "skipped.csv"
        log.warning("%d rows of the data are left out: %s", len(data.skipped), where)
        with where.open("w", newline="") as file:
            table = csv.writer(file, quoting=csv.QUOTE_ALL)
            table.writerow(["where", "id", "message"])
            table.writerows(guarded((p.where, p.id, p.message)) for p in data.skipped)
    if trial is not None:
        targets = data.targets
        trial.annotate(
            data_fingerprint=data.fingerprint,
            unit=targets[0].unit if len(targets) == 1 else "",  # of several: a pure number
        )


def save_result(
    folder: str | Path,
    score: Mapping[str, Any],
    targets: Sequence[Any],
    splits: Mapping[str, Predictions],
) -> dict[str, Any]:
    """Write `metrics.json`, `predictions.csv`, `y_pred.npy` and `y_true.npy`; return the metrics.

    The arrays hold the last of `splits`: validation in a search, which leaves the test split
    alone, and test in a run of its own. Of classes they are the numbers, and `y_prob.npy` holds
    the probability of each, (samples, classes).
    """
    folder = Path(folder)
    metrics = {
        **score,
        "units": {target.name: target.unit for target in targets},
        **{split: predictions.errors(targets) for split, predictions in splits.items()},
        "history": {
            name: [row[name] for row in history(folder) if name in row]
            for name in ("train/loss", "val/loss")
        },
    }
    (folder / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    last = list(splits.values())[-1]
    classes = bool(targets[0].classes)
    if classes:
        np.save(folder / "y_prob.npy", last.predicted)
    np.save(folder / "y_pred.npy", last.predicted.argmax(1) if classes else last.predicted)
    np.save(folder / "y_true.npy", last.true)
    with (folder / "predictions.csv").open("w", newline="") as file:
        table = csv.writer(file)
        for k, (split, predictions) in enumerate(splits.items()):
            (first, *columns), rows = predictions.table(targets)
            if k == 0:
                table.writerow(guarded([first, "split", *columns]))
            table.writerows(guarded([row[0], split, *row[1:]]) for row in rows)
    return metrics
