"""Scores the test split of runs that were trained without it, after the choice."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trialsmith.callbacks import save_result
from trialsmith.prediction.member import Member, load_member, run_config
from trialsmith.result import Predictions


def score_test(folder: Path) -> dict[str, Any]:
    """Add the test split to a run's `metrics.json` and `predictions.csv`; returns the metrics.

    The weights are those of the best epoch on validation, as in a run that scores it by itself.
    """
    from hydra_plugins.trialsmith_sweeper import rebuilt

    data = rebuilt(run_config(folder)["data"])
    data.prepare_data()
    data.setup("fit")
    member = load_member(folder, torch.device("cpu"))
    splits = {"val": _predictions(member, data.val_dataloader())}
    if data.sizes["test"]:
        splits["test"] = _predictions(member, data.test_dataloader())
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    score = {key: metrics[key] for key in ("monitor", "best", "best_epoch")}
    return save_result(folder, score, data.targets, splits)


def _predictions(member: Member, loader: Any) -> Predictions:
    ids: list[str] = []
    predicted, true = [], []
    for batch in loader:
        ids += batch.ids
        true.append(batch.target.numpy())
        predicted.append(member(batch).numpy())
    return Predictions(ids, np.concatenate(predicted), np.concatenate(true))
