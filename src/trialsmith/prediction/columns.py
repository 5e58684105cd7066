"""Predictions as the columns of a table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trialsmith.data.target import Target

if TYPE_CHECKING:
    from trialsmith.prediction.predicted import Predicted


def columns(targets: Sequence[Target], several: bool) -> list[str]:
    """Their names; those of a run's `predictions.csv`, then spreads and units.

    Args:
        several: several models predict, and there are spreads.
    """
    if targets[0].classes:
        spread = ["probability_std"] if several else []
        shares = [f"probability of {name}" for name in targets[0].classes]
        return ["id", "where", "class_predicted", "probability", *spread, *shares]
    named = ["id", "where"]
    for target in targets:
        named += [f"{target.name}_predicted"]
        named += [f"{target.name}_std"] if several else []
        named += [f"{target.name}_unit"] if target.unit else []
    return named


def rows(predicted: "Predicted") -> list[list[Any]]:
    """A row for each sample, in the order of `columns`."""
    make = _of_classes if predicted.targets[0].classes else _of_numbers
    starts = zip(predicted.ids, predicted.where, strict=True)
    return [[*start, *make(predicted, i)] for i, start in enumerate(starts)]


def _of_classes(predicted: "Predicted", i: int) -> list[Any]:
    values, likeliest = predicted.values[i], int(predicted.values[i].argmax())
    spread = [] if predicted.spread is None else [float(predicted.spread[i, likeliest])]
    name = predicted.targets[0].classes[likeliest]
    return [name, float(values[likeliest]), *spread, *values.tolist()]


def _of_numbers(predicted: "Predicted", i: int) -> list[Any]:
    row: list[Any] = []
    for k, target in enumerate(predicted.targets):
        row.append(float(predicted.values[i, k]))
        if predicted.spread is not None:
            row.append(float(predicted.spread[i, k]))
        if target.unit:
            row.append(target.unit)
    return row
