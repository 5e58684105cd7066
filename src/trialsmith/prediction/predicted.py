"""Predictions of new inputs, with what is needed to read them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from trialsmith.data.problem import Problem
from trialsmith.data.target import Target

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Predicted:
    """Numbers in the targets' units, or the probabilities of classes; a row for each sample.

    Attributes:
        ids: names of the samples: of files, of a table's rows, or numbers.
        where: file and line.
        values: means over the models; of classes their probabilities.
        spread: standard deviation over the models (over n − 1); None: there is one model.
        targets: with `name`, `unit` and `classes`.
        skipped: inputs that could not be used, each with `where`, `id` and `message`.
        warnings: what to know before these numbers are trusted.
    """

    ids: list[str]
    where: list[str]
    values: Float[np.ndarray, "samples outputs"]
    spread: Float[np.ndarray, "samples outputs"] | None
    targets: tuple[Target, ...]
    skipped: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def names(self) -> list[str]:
        """Of the targets, or of the classes: of the columns of `values`."""
        return list(self.targets[0].classes) or [target.name for target in self.targets]

    @property
    def units(self) -> dict[str, str]:
        """Unit of each target by its name; empty where there is none."""
        return {target.name: target.unit for target in self.targets}

    @property
    def labels(self) -> list[str]:
        """Of classes: the likeliest one of each sample; nothing for numbers."""
        classes = self.targets[0].classes
        return [classes[k] for k in self.values.argmax(1)] if classes else []

    def frame(self) -> "pandas.DataFrame":
        """The table that the command writes."""
        import pandas

        from trialsmith.prediction.columns import columns, rows

        return pandas.DataFrame(rows(self), columns=columns(self.targets, self.spread is not None))

    def __getitem__(self, index: int) -> dict[str, Any]:
        """One sample: `id`, `where`, `values` and perhaps `spread` by name, of classes `class`."""
        row: dict[str, Any] = {"id": self.ids[index], "where": self.where[index]}
        if self.targets[0].classes:
            row["class"] = self.labels[index]
        row["values"] = dict(zip(self.names, self.values[index].tolist(), strict=True))
        if self.spread is not None:
            row["spread"] = dict(zip(self.names, self.spread[index].tolist(), strict=True))
        return row
