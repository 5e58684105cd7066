"""Real Optuna studies on journal files, with the user attributes that the sweeper writes."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.trial import TrialState

NASTY = "<b>all</b></script><script>alert(1)</script>"


def begin(folder: Path, directions: Sequence[str] = ("minimize",)) -> optuna.Study:
    """An empty study in `folder`, of one objective (val/mae in eV) or several."""
    folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name=folder.name,
        storage=JournalStorage(JournalFileBackend(str(folder / "study.journal"))),
        directions=list(directions),
        sampler=optuna.samplers.RandomSampler(seed=0),
    )
    study.set_user_attr("metric", ["val/mae", "seconds"] if len(directions) > 1 else "val/mae")
    study.set_user_attr("unit", "" if len(directions) > 1 else "eV")
    return study


def search(
    study: optuna.Study, trials: int, fails: Callable[[int], bool] = lambda k: False
) -> None:
    """Trials of a conditional space; every fifth is pruned and those that `fails` names fail.

    Only `optimizer.lr` and `fusion` matter for the first objective. `fusion.middle.layers` is
    there only with fusion=middle, and with choices that depend on `layers`.
    """
    for k in range(trials):
        trial = study.ask()
        point: dict[str, Any] = {
            "optimizer.lr": trial.suggest_float("optimizer.lr", 1e-4, 1e-2, log=True),
            "layers": trial.suggest_int("layers", 2, 3),
            "fusion": trial.suggest_categorical("fusion", ["none", "middle", NASTY]),
        }
        if point["fusion"] == "middle":
            name = f"fusion.middle.layers@layers={point['layers']}"
            choices = ["1"] if point["layers"] == 2 else ["1", "1,2"]
            point["fusion.middle.layers"] = trial.suggest_categorical(name, choices)
        trial.set_user_attr("params", point)
        trial.set_user_attr("folder", f"2025-11-21/12-00-00/{k}")
        error = (math.log10(point["optimizer.lr"]) + 3) ** 2 + 0.3 * (point["fusion"] == "none")
        several = len(study.directions) > 1
        if fails(k):
            trial.set_user_attr("failure", "diverged")
            trial.set_user_attr("message", "val/mae is nan in epoch 3")
            study.tell(trial, state=TrialState.FAIL)
        elif several:
            study.tell(trial, [error, float(point["layers"])])
        else:
            for epoch in range(3 if k % 5 == 4 else 10):
                trial.report(error + 1 / (1 + epoch), epoch)
            if k % 5 == 4:
                study.tell(trial, state=TrialState.PRUNED)
            else:
                study.tell(trial, error)
