"""New graphs for a trained model: of files, or as mappings of their fields."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trialsmith.data.graph_batch import GraphBatch, batch_of, features_of
from trialsmith.data.graph_formats import SUFFIXES, Record, records
from trialsmith.data.graph_records import Graph, graph_of
from trialsmith.data.graph_roles import Roles, roles_of
from trialsmith.data.problem import Problem
from trialsmith.data.reader import Reader
from trialsmith.errors import DataError

_NOT_READ = ("label", "fold", "split")


class GraphReader(Reader):
    """Graphs as `GraphData` reads its own, standardised by the training's means and spreads.

    Args:
        fields, degrees, directed: as in training; fields of labels, folds and splits are not read.
        state: of the checkpoint: `columns` (the names of the nodes' numbers), `kinds` of nodes, and
            `mean` and `std` of all features.
    """

    def __init__(
        self,
        fields: Mapping[str, str | Sequence[str] | None],
        degrees: bool,
        directed: bool,
        state: Mapping[str, Any],
    ) -> None:
        self.fields = {role: name for role, name in fields.items() if role not in _NOT_READ}
        self.degrees, self.directed = degrees, directed
        self.columns, self.kinds = tuple(state["columns"]), list(state["kinds"])
        self._mean, self._std = (np.asarray(state[name], np.float32) for name in ("mean", "std"))

    def samples(self, inputs: Iterable[Any]) -> Iterator[Graph | Problem]:
        """Every graph of files, of the files in folders, and of mappings of fields."""
        for number, item in enumerate(inputs):
            if isinstance(item, Mapping):
                yield from self._of([Record(f"{number:06d}", f"graph {number}", item)])
            elif isinstance(item, str | Path):
                yield from self._of_path(Path(item).expanduser())
            else:
                kind = type(item).__name__
                raise DataError(f"input {number} is a {kind}: give paths, or mappings of fields")

    def batch(self, samples: Sequence[Graph]) -> tuple[GraphBatch | None, list[int], list[Problem]]:
        """See `Reader.batch`."""
        flaws = {i: flaw for i, graph in enumerate(samples) if (flaw := self._flaw(graph))}
        problems = [Problem(samples[i].where, samples[i].id, flaw) for i, flaw in flaws.items()]
        kept = [i for i in range(len(samples)) if i not in flaws]
        if not kept:
            return None, [], problems
        good = [samples[i] for i in kept]
        batch = batch_of(
            [(features_of(graph, self.kinds) - self._mean) / self._std for graph in good],
            [graph.edges for graph in good],
            np.zeros(len(good), np.int64),  # nobody knows their classes
            [graph.id for graph in good],
            self.directed,
        )
        return batch, kept, problems

    def _of_path(self, path: Path) -> Iterator[Graph | Problem]:
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
            if not files:
                yield Problem(str(path), path.name, f"holds no files of {', '.join(SUFFIXES)}")
            for file in files:
                yield from self._of_path(file)
            return
        try:
            yield from self._of(records(path))
        except DataError as flaw:
            yield Problem(str(path), path.name, str(flaw).removeprefix(f"data.path={path}: "))

    def _of(self, found: Iterable[Record]) -> Iterator[Graph | Problem]:
        """Graphs that have the same fields, or what is wrong with each."""
        roles: Roles | None = None
        for record in found:
            name, where, fields = record.name, record.where, record.fields
            try:
                if isinstance(fields, DataError):
                    raise fields
                roles = roles or roles_of(fields, self.fields, where, labelled=False)
                graph = graph_of(fields, roles, self.degrees, name, where)
            except DataError as flaw:
                yield Problem(where, name, str(flaw))
            else:
                yield graph

    def _flaw(self, graph: Graph) -> str:
        """Why the model cannot read a graph; nothing where it can."""
        unseen = sorted({*graph.kinds} - {*self.kinds})
        if graph.columns != self.columns:
            own, theirs = (", ".join(names) or "none" for names in (graph.columns, self.columns))
            return f"its nodes have the numbers {own}; those of the training {theirs}"
        if unseen:
            known = ", ".join(self.kinds) or "none"
            return f"it has nodes of the kinds {', '.join(unseen)}; the training had {known}"
        if self.kinds and not graph.kinds:
            return "its nodes have no kinds; those of the training had"
        return ""
