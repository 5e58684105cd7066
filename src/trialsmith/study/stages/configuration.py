"""Runs that differ by their seed alone, as one row of a comparison."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Any

from trialsmith.search.domains import identity
from trialsmith.study.stages.estimate import Estimate, estimate
from trialsmith.study.stages.run import Run
from trialsmith.study.stages.stability import backtracking

GRAPH_ONLY = "graph only"
ARMS = {"given": "true text", "shuffled": "shuffled text", "removed": "no text"}


@dataclass(frozen=True)
class Configuration:
    """A row: the runs of one configuration, by their seeds.

    Means over runs. `w_graph` and `w_text` are those of the last epoch, on average over the fused
    layers; the ratio is made of these two.
    """

    runs: tuple[Run, ...]

    @property
    def params(self) -> Mapping[str, Any]:
        return self.runs[0].params

    @property
    def layers(self) -> tuple[int, ...]:
        return self.runs[0].layers

    @property
    def fusion_layers(self) -> str:
        """As in the search: "2", "1,2,3", or "none"; "late" where text enters after the layers."""
        if not self.runs[0].sites:
            return "none"
        return ",".join(map(str, self.layers)) or "late"

    @property
    def arm(self) -> str:
        """Which side of a control it is: graph only, or with which text."""
        return GRAPH_ONLY if self.fusion_layers == "none" else ARMS[self.runs[0].texts]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of its trials."""
        return tuple(run.number for run in self.runs)

    @cached_property
    def val_mae(self) -> Estimate:
        return estimate([run.val_mae for run in self.runs])

    @cached_property
    def test_mae(self) -> Estimate:
        return estimate([run.test_mae for run in self.runs])

    @property
    def gap(self) -> float:
        """How much larger the test error is than the validation error, as a share of the latter."""
        return self.test_mae.mean / self.val_mae.mean - 1 if self.val_mae.mean else math.nan

    @cached_property
    def w_graph(self) -> float:
        return _mean(row.graph for run in self.runs for row in run.final_weights)

    @cached_property
    def w_text(self) -> float:
        return _mean(row.text for run in self.runs for row in run.final_weights)

    @property
    def ratio(self) -> float:
        return (1 + self.w_graph) / self.w_text if self.w_text > 0 else math.nan

    @cached_property
    def train_backtracking(self) -> float:
        return _mean(backtracking(run.train_loss) for run in self.runs)

    @cached_property
    def val_backtracking(self) -> float:
        return _mean(backtracking(run.val_loss) for run in self.runs)


def configurations(runs: Iterable[Run]) -> list[Configuration]:
    """The runs by what they have in common, the lowest validation MAE first."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(identity([dict(run.params), run.texts]), []).append(run)
    rows = [
        Configuration(tuple(sorted(group, key=lambda run: (run.seed, run.number))))
        for group in groups.values()
    ]
    return sorted(rows, key=lambda row: (row.val_mae.mean, row.numbers))


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return fmean(known) if known else math.nan
