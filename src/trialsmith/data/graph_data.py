"""Graphs for a Trainer: checked, split, standardised and put into batches."""

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch.utils.data import Dataset

from trialsmith.data.folds import ALL, drawn_folds, parts_of_fold, scored_folds
from trialsmith.data.graph_batch import KIND, GraphBatch, Graphs, GraphSource, batch_of, natural
from trialsmith.data.graph_reader import GraphReader
from trialsmith.data.graph_records import UNFIT
from trialsmith.data.problem import Problem, refuse
from trialsmith.data.reader import packed_targets
from trialsmith.data.scaling import Classes
from trialsmith.data.split import PARTS, Split, limited
from trialsmith.data.split_data import SplitData
from trialsmith.data.target import Target
from trialsmith.errors import DataError
from trialsmith.graph import digest

log = logging.getLogger(__name__)

MANY = 20  # so many values in few graphs are numbers, and not classes


class GraphBatches(Dataset[GraphBatch]):
    """Batches by their indices: a whole batch is put together at once."""

    def __init__(self, data: "GraphData", part: str) -> None:
        self._graphs, self._places = data.graphs, data.parts[part]
        self._classes, self._directed = data.class_numbers, data.directed
        self._mean, self._std = data.moments

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> GraphBatch:
        return self.__getitems__([index])

    def __getitems__(self, indices: list[int]) -> GraphBatch:
        """The batch of these members of the part; DataLoader asks for a whole batch in this way."""
        graphs, places = self._graphs, self._places[indices].tolist()
        return batch_of(
            [(graphs.nodes_of(place) - self._mean) / self._std for place in places],
            [graphs.edges_of(place) for place in places],
            self._classes[places],
            [graphs.ids[place] for place in places],
            self._directed,
        )


class GraphData(SplitData):
    """Graphs of a source and their classes.

    Features of nodes that are numbers are standardised by means and standard deviations over the
    nodes of the training split.

    Args:
        source: where graphs come from.
        directed: whether messages go along an edge only, and not also against it.
        fold: which fold tests; the one after it validates, the others train. None: no folds; `all`:
            a run over all of them, see `trialsmith.cross_validation`.
        held_out: a fold that tests whatever `fold` is, which validates then: a search over all
            other folds has not seen its graphs.
        folds: how many folds are drawn where the source has none.
        limit: take only so many graphs, drawn at random, of each part or fold in proportion.
        fractions, n_train, n_val, n_test, seed, at_most: see `Split`; the seed draws folds, too.
        batch_size: graphs in a batch.
        num_workers: processes that put batches together.
        on_error: `raise` refuses the data, `skip` leaves out graphs that cannot be used and lists
            them in `skipped`.
        cache_dir: where graphs are kept as arrays.
    """

    def __init__(
        self,
        source: GraphSource,
        directed: bool = False,
        fold: int | str | None = None,
        held_out: int | str | None = None,
        folds: int = 5,
        limit: int | None = None,
        fractions: Sequence[float] = (0.8, 0.1, 0.1),
        n_train: int | None = None,
        n_val: int | None = None,
        n_test: int | None = None,
        seed: int = 0,
        at_most: bool = False,
        batch_size: int = 32,
        num_workers: int = 0,
        on_error: str = "raise",
        cache_dir: str | Path = ".cache",
    ) -> None:
        super().__init__(batch_size, num_workers, on_error, ("skip",), cache_dir)
        self.source, self.directed, self.limit = source, directed, limit
        self.fold, self.folds = fold, folds
        self.held_out = None if held_out is None else str(held_out)
        if held_out is not None and fold is None:
            raise DataError(
                f"data.held_out={held_out} holds out a fold, and no folds are taken: add "
                f"data.fold={ALL}, or data.fold=… for one that validates."
            )
        self.split = Split(
            fractions, n_train, n_val, n_test, seed, at_most, column="data.fields.split"
        )

    @cached_property
    def graphs(self) -> Graphs:
        """All graphs that can be used."""
        graphs = self.source.read(self.cache_dir)
        if self.on_error == "raise":
            refuse(graphs.problems, len(graphs) + len(graphs.problems))
        sizes = f"{len(graphs)} graphs, {len(graphs.nodes)} nodes"
        log.info("%s, features of a node: %s", sizes, ", ".join(graphs.features))
        return graphs

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """The class, with the names of all classes: the labels, sorted."""
        classes = tuple(sorted(set(self.graphs.labels), key=natural))
        if len(classes) < 2:
            raise DataError(
                f"All graphs are of one class, {self.graphs.target}={classes[0]}: nothing is to be "
                "learned. Give graphs of two classes at least, or name another field: data.target=…"
            )
        if len(classes) > max(MANY, len(self.graphs) / 2):
            raise DataError(
                f"{self.graphs.target} has {len(classes)} values in {len(self.graphs)} graphs. "
                f"Graphs are told apart by {UNFIT}."
            )
        return (Target(self.graphs.target, classes=classes),)

    @property
    def dimensions(self) -> dict[str, Any]:
        """What the data ask of a model: `outputs`, and the `node_features`."""
        return {"outputs": len(self.targets[0].classes), "node_features": len(self.graphs.features)}

    @property
    def skipped(self) -> list[Problem]:
        """Graphs that were left out."""
        return self.graphs.problems

    @cached_property
    def scaler(self) -> Classes:
        """The classes."""
        return Classes(len(self.targets[0].classes))

    @cached_property
    def class_numbers(self) -> Int[np.ndarray, "graphs"]:
        """Of each graph the place of its class among all."""
        place = {name: k for k, name in enumerate(self.targets[0].classes)}
        return np.array([place[label] for label in self.graphs.labels])

    @cached_property
    def moments(self) -> tuple[Float[np.ndarray, "features"], Float[np.ndarray, "features"]]:
        """Mean and standard deviation of each feature over the nodes of the training split.

        0 and 1 of a feature that is not measured, and a deviation of 1 of one that does not vary.
        """
        train = self.parts["train"].tolist()
        nodes = np.concatenate([self.graphs.nodes_of(place) for place in train], dtype=np.float64)
        mean, std = nodes.mean(0), nodes.std(0)
        varies = std > 1e-6 * np.abs(mean).clip(min=1e-30)
        measured = self.graphs.measured
        mean, std = np.where(measured, mean, 0), np.where(measured & varies, std, 1)
        return mean.astype(np.float32), std.astype(np.float32)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of graphs, classes and split: scores of equal fingerprints can be compared."""
        graphs = self.graphs
        split: list[str | np.ndarray]
        if self.fold == ALL:
            split = [str([self._folds[place] for place in self._chosen]), self._chosen]
            split += [self.held_out] if self.held_out is not None else []
        else:
            split = [self.parts[part] for part in PARTS]
        arrays = (graphs.nodes, graphs.node_ends, graphs.edges, graphs.edge_ends)
        return digest(*arrays, self.class_numbers, *split)

    @cached_property
    def fold_names(self) -> list[str]:
        """The folds that a run over all of them takes in turn."""
        return scored_folds([self._folds[place] for place in self._chosen], self.held_out)

    @cached_property
    def parts(self) -> dict[str, Int[np.ndarray, "part"]]:
        """Places of the graphs of train, val and test."""
        chosen, ids = self._chosen, self.graphs.ids
        given = self._folds if self.fold is not None else self.graphs.splits
        names = [given[place] for place in chosen]
        if self.fold is not None:
            names = parts_of_fold(names, str(self.fold), self.held_out)
        drawn = self.split(names, [ids[place] for place in chosen])
        parts = {part: chosen[places] for part, places in drawn.items()}
        self._warn(parts["train"])
        return parts

    @cached_property
    def _chosen(self) -> Int[np.ndarray, "chosen"]:
        """Places of the graphs that `limit` leaves."""
        groups = self.graphs.splits if self.fold is None else self._folds
        return limited(groups, self.graphs.ids, self.limit, self.split.seed)

    @cached_property
    def _folds(self) -> list[str]:
        """The fold of each graph, its own or drawn."""
        graphs = self.graphs
        if any(graphs.folds):
            return graphs.folds
        if not isinstance(self.folds, int) or self.folds < 3:
            raise DataError(f"data.folds={self.folds} must be a whole number, at least 3.")
        return drawn_folds(graphs.labels, graphs.ids, self.folds, self.split.seed)

    def state_dict(self) -> dict[str, Any]:
        """What `reader` must know of the training, for the checkpoint."""
        mean, std = self.moments
        names, measured = self.graphs.features, self.graphs.measured.tolist()
        told = list(zip(names, measured, strict=True))
        return {
            "targets": packed_targets(self.targets),
            "dimensions": self.dimensions,
            "columns": [name for name, number in told if number],
            "kinds": [name.removeprefix(KIND) for name, number in told if not number],
            "mean": torch.from_numpy(mean),
            "std": torch.from_numpy(std),
        }

    def reader(self, state: Mapping[str, Any]) -> GraphReader:
        """Reads new graphs as these were; needs `state_dict`, and not the source."""
        source = self.source
        return GraphReader(source.fields, source.degrees, self.directed, state)

    def prepare_data(self) -> None:
        """Reads and checks the graphs, and splits them; one process builds, others wait."""
        self.fold_names if self.fold == ALL else self.parts  # noqa: B018

    def batches(self, part: str) -> GraphBatches:
        """The graphs of a part."""
        return GraphBatches(self, part)

    def _warn(self, train: Int[np.ndarray, "train"]) -> None:
        seen = {self.graphs.labels[place] for place in train}
        unseen = [name for name in self.targets[0].classes if name not in seen]
        if unseen:
            log.warning("no graph of the training split is of the class %s", ", ".join(unseen))
