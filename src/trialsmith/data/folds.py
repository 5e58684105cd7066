"""Cross-validation: each fold tests once."""

from collections.abc import Sequence

import numpy as np

from trialsmith.data.graph_batch import natural
from trialsmith.data.split import drawing_order
from trialsmith.errors import DataError

ALL = "all"


def drawn_folds(labels: Sequence[str], ids: Sequence[str], count: int, seed: int) -> list[str]:
    """A fold from "0" to `count` - 1 for each sample, every class spread evenly over them.

    The ids and the seed decide, and not the order of the samples.
    """
    folds = np.zeros(len(ids), np.int64)
    order = drawing_order(ids, seed)
    by_class = order[np.argsort(np.array(labels)[order], kind="stable")]
    folds[by_class] = np.arange(len(ids)) % count
    return [str(fold) for fold in folds]


def fold_names(folds: Sequence[str]) -> list[str]:
    """The folds that there are, in the order of their numbers.

    Raises:
        DataError: there are fewer than three.
    """
    names = sorted(set(folds) - {""}, key=natural)
    if len(names) < 3:
        raise DataError(
            f"{len(names)} folds ({', '.join(names)}), and three are needed at least: one tests, "
            "one validates, the others train. Give data.folds=3 or more; where the data have "
            "folds of their own, data.fields.fold=none, too, has others drawn"
        )
    return names


def scored_folds(folds: Sequence[str], held_out: str | None) -> list[str]:
    """The folds that a run over all of them takes in turn: all but the one that is held out.

    Raises:
        DataError: there are too few, or there is no fold to hold out.
    """
    names = fold_names(folds)
    if held_out is not None and held_out not in names:
        raise DataError(
            f"data.held_out={held_out} is not one fold: choose one of {', '.join(names)}."
        )
    return [name for name in names if name != held_out]


def parts_of_fold(folds: Sequence[str], chosen: str, held_out: str | None = None) -> list[str]:
    """train, val or test for each sample: the chosen fold tests, the one after it validates.

    After the last fold comes the first. A sample of no fold trains. Where a fold is held out, that
    one tests, and the chosen one validates: no choice made by any of these has seen its samples.

    Raises:
        DataError: there is no such fold.
    """
    names = scored_folds(folds, held_out)
    if chosen not in names:
        what = "held out" if chosen == held_out else "not one fold"
        raise DataError(
            f"data.fold={chosen} is {what}: choose one of {', '.join(names)}, or {ALL} for a "
            "run over all of them."
        )
    after = names[(names.index(chosen) + 1) % len(names)]
    part = {chosen: "test", after: "val"} if held_out is None else {held_out: "test", chosen: "val"}
    return [part.get(fold, "train") for fold in folds]
