"""Scores the test split of runs that were trained without it, after the choice."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trialsmith.callbacks import save_result
from trialsmith.cross_validation import conclude
from trialsmith.prediction.member import Member, load_member, run_config
from trialsmith.result import Fitted, Predictions


def score_test(folder: Path) -> dict[str, Any]:
    """Add the test split to a run's `metrics.json` and `predictions.csv`; returns the metrics.

    The weights are those of the best epoch on validation, as in a run that scores it by itself. Of
    a run over all folds each is scored, and then what they say together.
    """
    folds = _metrics(folder).get("folds")
    if folds is None:
        return _scored(folder)[1]
    done = {name: _scored(folder / f"fold_{name}")[0] for name in folds}
    return conclude(folder, run_config(folder), done)


def _scored(folder: Path) -> tuple[Fitted, dict[str, Any]]:
    """What the training of one model came to, with the test split; it is written, too."""
    from hydra_plugins.trialsmith_sweeper import rebuilt

    data = rebuilt(run_config(folder)["data"])
    data.prepare_data()
    data.setup("fit")
    member = load_member(folder, torch.device("cpu"))
    splits = {"val": _predictions(member, data.val_dataloader())}
    if data.sizes["test"]:
        splits["test"] = _predictions(member, data.test_dataloader())
    metrics = _metrics(folder)
    fitted = Fitted(metrics["best"], metrics["best_epoch"], data.targets, splits)
    return fitted, save_result(folder, metrics, data.targets, splits)


def _metrics(folder: Path) -> dict[str, Any]:
    metrics: dict[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return metrics


def _predictions(member: Member, loader: Any) -> Predictions:
    ids: list[str] = []
    predicted, true = [], []
    for batch in loader:
        ids += batch.ids
        true.append(batch.target.numpy())
        predicted.append(member(batch).numpy())
    return Predictions(ids, np.concatenate(predicted), np.concatenate(true))
