"""A stage's configurations compared: who is first, by how much, and who passes on."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from trialsmith.study.stages.configuration import ARMS, GRAPH_ONLY, Configuration, configurations
from trialsmith.study.stages.controls import Controls, controls
from trialsmith.study.stages.decision import Candidate, decide
from trialsmith.study.stages.run import Run

BASELINE = "2"  # the fused layer that published models have
TOP = 3


@dataclass(frozen=True)
class Comparison:
    """The rows by validation MAE.

    Attributes:
        name: of the study.
        unit: of MAEs.
        rows: the lowest validation MAE first.
    """

    name: str
    unit: str
    rows: tuple[Configuration, ...]

    @cached_property
    def contenders(self) -> list[Configuration]:
        """The rows between which is decided: controls with a changed text are none."""
        return [row for row in self.rows if row.arm in (GRAPH_ONLY, ARMS["given"])]

    @property
    def best(self) -> Configuration | None:
        """The lowest validation MAE."""
        return self.contenders[0] if self.contenders else None

    @cached_property
    def decision(self) -> tuple[Configuration, str] | None:
        """The configuration to take by the rule, and why."""
        rows = {self.label(row): row for row in self.contenders}
        found = decide(
            [
                Candidate(label, row.val_mae.mean, row.ratio, len(row.layers))
                for label, row in rows.items()
            ]
        )
        return None if found is None else (rows[found[0].label], found[1])

    @cached_property
    def controls(self) -> Controls | None:
        return controls(self.rows)

    @property
    def graph_only(self) -> Configuration | None:
        """The best row without text."""
        return next((row for row in self.rows if row.arm == GRAPH_ONLY), None)

    @property
    def baseline(self) -> Configuration | None:
        """The best row that is fused after layer 2 alone."""
        return next((row for row in self.contenders if row.fusion_layers == BASELINE), None)

    def gain(self, other: Configuration | None) -> float:
        """By what share the best validation MAE is below `other`'s; NaN where there is none."""
        if self.best is None or other is None or not other.val_mae.mean:
            return math.nan
        return 1 - self.best.val_mae.mean / other.val_mae.mean

    def passing(self, number: int) -> list[Configuration]:
        """The first `number` fused configurations: the rule's choice, then by validation MAE.

        Graph only passes on nowhere: it has nothing to tune about text, and the last stage runs it
        beside the rest.
        """
        fused = [row for row in self.contenders if row.arm != GRAPH_ONLY]
        if self.decision is not None:
            fused.sort(key=lambda row: row is not self.decision[0])  # type: ignore[index]
        return fused[:number]

    def label(self, row: Configuration) -> str:
        """What tells `row` from the others, as short as it can be."""
        words = "graph only" if row.fusion_layers == "none" else row.fusion_layers
        if any(other.arm not in (GRAPH_ONLY, ARMS["given"]) for other in self.rows):
            words = row.arm if row.arm == GRAPH_ONLY else f"{words}, {row.arm}"
        alike = [r for r in self.rows if (r.fusion_layers, r.arm) == (row.fusion_layers, row.arm)]
        return words if len(alike) == 1 else f"{words} (trial {row.numbers[0]})"


def compared(name: str, unit: str, runs: Iterable[Run]) -> Comparison:
    """The comparison of a study's runs."""
    return Comparison(name, unit, tuple(configurations(runs)))
