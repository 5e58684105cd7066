"""All pictures of one split's predictions, by the names of their files."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from matplotlib.figure import Figure

from trialsmith.evaluation.confusion import confusion
from trialsmith.evaluation.parity import parity
from trialsmith.result import Predictions


def pictures(
    predictions: Predictions, targets: Sequence[Any], split: str
) -> Iterator[tuple[str, Figure]]:
    """A name and a figure for each target, one after the other, so that one is in memory."""
    errors = predictions.errors(targets)
    first = targets[0]
    if first.classes:
        likeliest = predictions.predicted.argmax(1)
        scores = errors[first.name]
        yield "confusion", confusion(predictions.true, likeliest, first.classes, scores, split)
        return
    names = [re.sub(r"\W+", "_", target.name).strip("_").lower() for target in targets]
    for k, target in enumerate(targets):
        true, predicted = predictions.true[:, k], predictions.predicted[:, k]
        # names that differ in signs only would be one file
        name = names[k] if names.count(names[k]) == 1 and names[k] else f"{names[k]}_{k}"
        figure = parity(true, predicted, errors[target.name], target.name, target.unit, split)
        yield name, figure
