"""One run over all folds: each is trained and scored in turn, and the mean is the run's score."""

import csv
import logging
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from trialsmith import callbacks
from trialsmith.result import Fitted, Predictions

log = logging.getLogger(__name__)


@runtime_checkable
class Trial(Protocol):
    """What cross-validation needs of the search that it belongs to."""

    @property
    def parameters(self) -> dict[str, Any]: ...

    @property
    def space(self) -> dict[str, Any]: ...

    def report(self, value: float, step: int) -> None: ...

    def annotate(self, **attributes: Any) -> None: ...


@dataclass(frozen=True)
class FoldsTrial:
    """The trial as the training of one fold sees it: epochs are not reported, folds are."""

    trial: Trial

    @property
    def parameters(self) -> dict[str, Any]:
        """Those of the trial."""
        return self.trial.parameters

    @property
    def space(self) -> dict[str, Any]:
        """That of the search."""
        return self.trial.space

    def report(self, value: float, step: int) -> None:
        """Nothing: steps of the trial are folds."""

    def annotate(self, **attributes: Any) -> None:
        """Nothing: the trial is told of all data, not of one fold's."""


def cross_validate(
    train: Callable[[str, Path, FoldsTrial | None], Fitted],
    data: Any,
    config: Mapping[str, Any],
    folder: str | Path,
    trial: Trial | None = None,
) -> float:
    """Train and score each fold in a folder of its own; the mean of their scores.

    The trial is told each fold's score with the fold's place as the step, so that a pruner may
    compare fold by fold, as Optuna's `WilcoxonPruner` does. Leaves in `folder` what a run leaves:
    `metrics.json` with means and spreads, the predictions of all folds together, their pictures;
    and `folds.csv`.

    Args:
        train: from a fold, its folder and its trial.
        data: with `fold_names`, and whatever a run's data have.
        config: of the run, resolved.

    Raises:
        optuna.TrialPruned: the trial is not worth going on with.
    """
    folder, names = Path(folder), data.fold_names
    callbacks.record_run(folder, config, data, trial)
    inner = None if trial is None else FoldsTrial(trial)
    done: dict[str, Fitted] = {}
    for step, name in enumerate(names):
        own = folder / f"fold_{name}"
        own.mkdir(exist_ok=True)
        done[name] = train(name, own, inner)
        scores = [fitted.score for fitted in done.values()]
        log.info(
            "fold %s (%d of %d): %s %.4g, mean %s",
            *(name, step + 1, len(names), config["monitor"], scores[-1], _mean_and_spread(scores)),
        )
        _write_table(folder / "folds.csv", done)
        if trial is not None:
            trial.report(scores[-1], step=step)
    metrics = conclude(folder, config, done)
    for column in filter(lambda name: "/" in name, _row(done[names[0]])):
        values = [_row(fitted)[column] for fitted in done.values()]
        log.info("%s over %d folds: %s", column, len(values), _mean_and_spread(values))
    log.info("results in %s", folder)
    return float(metrics["best"])


def conclude(folder: Path, config: Mapping[str, Any], done: Mapping[str, Fitted]) -> dict[str, Any]:
    """Write what a run over all folds leaves; return its metrics.

    Args:
        folder: of the run.
        config: of the run, resolved.
        done: every fold by its name.
    """
    _write_table(folder / "folds.csv", done)
    all_folds = list(done.values())
    scores = [fitted.score for fitted in all_folds]
    targets, splits = all_folds[0].targets, _joined(all_folds)
    score = {
        "monitor": config["monitor"],
        "best": statistics.fmean(scores),
        "spread": statistics.stdev(scores),
        "folds": {name: _row(fitted) for name, fitted in done.items()},
    }
    metrics = callbacks.save_result(folder, score, targets, splits)
    if config["plots"]:
        callbacks.save_pictures(folder, targets, splits)
    return metrics


def _joined(folds: Sequence[Fitted]) -> dict[str, Predictions]:
    """The predictions of all folds, by the split; of samples held out from all, their means."""
    return {
        split: _together([fitted.splits[split] for fitted in folds]) for split in folds[0].splits
    }


def _together(folds: Sequence[Predictions]) -> Predictions:
    first, predicted = folds[0], [fold.predicted for fold in folds]
    if all(fold.ids == first.ids for fold in folds):  # the models of the folds are an ensemble
        return Predictions(first.ids, np.mean(predicted, axis=0), first.true)
    return Predictions(
        ids=[name for fold in folds for name in fold.ids],
        predicted=np.concatenate(predicted),
        true=np.concatenate([fold.true for fold in folds]),
    )


def _row(fitted: Fitted) -> dict[str, Any]:
    """A fold's score, and each error of each target by `split/metric` or `split/target/metric`."""
    errors = {
        "/".join([split, *([target] if len(fitted.targets) > 1 else []), metric]): value
        for split, predictions in fitted.splits.items()
        for target, of_target in predictions.errors(fitted.targets).items()
        for metric, value in of_target.items()
    }
    return {"best": fitted.score, "best_epoch": fitted.best_epoch, **errors}


def _write_table(path: Path, done: Mapping[str, Fitted]) -> None:
    rows = [{"fold": name, **_row(fitted)} for name, fitted in done.items()]
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def _mean_and_spread(values: Sequence[float]) -> str:
    if len(values) < 2:
        return f"{values[0]:.4g}"
    return f"{statistics.fmean(values):.4g} ± {statistics.stdev(values):.2g}"
