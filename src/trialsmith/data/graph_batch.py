"""Graphs in few large arrays, and batches of them."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from trialsmith.data.graph_records import Graph
from trialsmith.data.problem import Problem
from trialsmith.errors import DataError


@dataclass
class GraphBatch:
    """What a GNN reads and what the loss compares with."""

    nodes: Float[Tensor, "nodes features"]
    edges: Int[Tensor, "2 edges"]  # from the first row's node to the second's, over the batch
    graph: Int[Tensor, "nodes"]  # the number of the graph that a node belongs to
    target: Int[Tensor, "graphs"]  # numbers of classes
    ids: list[str]

    def __len__(self) -> int:
        return len(self.ids)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "GraphBatch":
        """The batch on `device`."""
        return replace(
            self,
            nodes=self.nodes.to(device, non_blocking=non_blocking),
            edges=self.edges.to(device, non_blocking=non_blocking),
            graph=self.graph.to(device, non_blocking=non_blocking),
            target=self.target.to(device, non_blocking=non_blocking),
        )


@dataclass(frozen=True, eq=False)
class Graphs:
    """All graphs of a source, and what is wrong with others.

    Attributes:
        nodes: features of all nodes, one graph after the other.
        node_ends: where the nodes of each graph end.
        edges: nodes counted from 0 in each graph.
        edge_ends: where the edges of each graph end.
        features: names of the nodes' features.
        measured: which features are numbers that are to be standardised; the others are 0 or 1.
        where: file and line or group of each graph.
        target: what the labels are called.
    """

    nodes: Float[np.ndarray, "nodes features"]
    node_ends: Int[np.ndarray, "graphs"]
    edges: Int[np.ndarray, "2 edges"]
    edge_ends: Int[np.ndarray, "graphs"]
    measured: Bool[np.ndarray, "features"]
    features: list[str]
    ids: list[str]
    labels: list[str]
    folds: list[str]
    splits: list[str]
    where: list[str]
    target: str
    problems: list[Problem]

    def __len__(self) -> int:
        return len(self.ids)

    def nodes_of(self, place: int) -> Float[np.ndarray, "nodes features"]:
        """Features of the nodes of one graph."""
        return self.nodes[_span(self.node_ends, place)]

    def edges_of(self, place: int) -> Int[np.ndarray, "2 edges"]:
        """Edges of one graph."""
        return self.edges[:, _span(self.edge_ends, place)]


KIND = "kind "  # begins the names of features that are 0 or 1

# attributes of Graphs that hold one text of each graph
_TEXTS = {"ids": "id", "labels": "label", "folds": "fold", "splits": "split", "where": "where"}


class GraphSource(ABC):
    """Reads graphs.

    Attributes:
        fields: the user's own names of fields, by role.
        degrees: whether numbers of edges at a node are features of it.
    """

    fields: Mapping[str, str | Sequence[str] | None] = {}
    degrees: bool = True

    @abstractmethod
    def read(self, cache_dir: Path) -> Graphs:
        """All graphs that can be used, and the problems of those that cannot.

        Raises:
            DataError: nothing at all can be read.
        """


def batch_of(
    nodes: Sequence[Float[np.ndarray, "_nodes features"]],
    edges: Sequence[Int[np.ndarray, "2 _edges"]],
    target: Int[np.ndarray, "graphs"],
    ids: Sequence[str],
    directed: bool,
) -> GraphBatch:
    """Graphs side by side, as one graph of several parts.

    Args:
        directed: whether messages go along an edge only, and not also against it.
    """
    sizes = np.array([len(features) for features in nodes])
    starts = np.cumsum(sizes) - sizes
    moved = [pairs + start for pairs, start in zip(edges, starts, strict=True)]
    joined = np.concatenate(moved, axis=1)
    if not directed:
        joined = without_repeats(np.concatenate([joined, joined[::-1]], axis=1), int(sizes.sum()))
    return GraphBatch(
        nodes=torch.from_numpy(np.concatenate(nodes)),
        edges=torch.from_numpy(joined),
        graph=torch.from_numpy(np.repeat(np.arange(len(sizes)), sizes)),
        target=torch.from_numpy(target),
        ids=list(ids),
    )


def packed(
    graphs: Sequence[Graph], problems: Sequence[Problem], target: str, where: str
) -> dict[str, np.ndarray]:
    """The graphs as arrays, for a cache; one whose features are not the first's is a problem.

    Args:
        target: what the labels are called.
        where: the file, for messages.

    Raises:
        DataError: no graph can be used.
    """
    fitting, unlike = _alike(graphs)
    problems = [*problems, *unlike]
    if not fitting:
        raise DataError("\n  ".join([f"{where}: no graph can be used", *map(str, problems[:5])]))
    kinds = sorted({kind for graph in fitting for kind in graph.kinds}, key=natural)
    numbers = fitting[0].columns
    told = {
        "features": [*numbers, *(f"{KIND}{kind}" for kind in kinds)],
        **{name: [getattr(graph, one) for graph in fitting] for name, one in _TEXTS.items()},
        "target": target,
        "problems": [[p.where, p.id, p.message] for p in problems],
    }
    if not told["features"]:
        raise DataError("The nodes have no features: let their edges count, data.degrees=true.")
    return {
        "nodes": np.concatenate([features_of(graph, kinds) for graph in fitting]),
        "node_ends": np.cumsum([graph.nodes for graph in fitting]),
        "edges": np.concatenate([graph.edges for graph in fitting], axis=1),
        "edge_ends": np.cumsum([graph.edges.shape[1] for graph in fitting]),
        "measured": np.arange(len(numbers) + len(kinds)) < len(numbers),
        "told": np.frombuffer(json.dumps(told).encode(), np.uint8),
    }


def unpacked(arrays: Mapping[str, np.ndarray]) -> Graphs:
    """The inverse of `packed`."""
    told = json.loads(arrays["told"].tobytes())
    problems = [Problem(*words) for words in told.pop("problems")]
    numbers: dict[str, Any] = {name: arrays[name] for name in arrays if name != "told"}
    return Graphs(**numbers, **told, problems=problems)


def without_repeats(edges: Int[np.ndarray, "2 edges"], nodes: int) -> Int[np.ndarray, "2 fewer"]:
    """Each edge once, sorted."""
    # numbers are sorted many times faster than pairs
    return np.stack(np.divmod(np.unique(edges[0] * nodes + edges[1]), nodes))


def features_of(graph: Graph, kinds: Sequence[str]) -> Float[np.ndarray, "nodes features"]:
    """Numbers, and one feature for each of `kinds`, which is 1 for a node of that kind."""
    place = {kind: k for k, kind in enumerate(kinds)}
    one_hot = np.zeros((graph.nodes, len(kinds)), np.float32)
    for node, kind in enumerate(graph.kinds):
        one_hot[node, place[kind]] = 1
    return np.concatenate([graph.numbers, one_hot], axis=1)


def natural(name: str) -> tuple[bool, float, str]:
    """A key that sorts numbers by value, before other names."""
    try:
        return (False, float(name), name)
    except ValueError:
        return (True, 0.0, name)


def _alike(graphs: Sequence[Graph]) -> tuple[list[Graph], list[Problem]]:
    """The graphs with the first one's features, and a problem for each other one."""
    problems, fitting, seen = [], [], dict[str, str]()
    for graph in graphs:
        first = graphs[0]
        if graph.id in seen:
            message = f"this id stands already at {seen[graph.id]}; rename one"
        elif graph.columns != first.columns:
            message = f"its nodes have {_told(graph)}, those of {first.where} {_told(first)}"
        else:
            fitting.append(graph)
            seen[graph.id] = graph.where
            continue
        problems.append(Problem(graph.where, graph.id, message))
    return fitting, problems


def _told(graph: Graph) -> str:
    return f"{len(graph.columns)} numbers ({', '.join(graph.columns)})"


def _span(ends: Int[np.ndarray, "graphs"], place: int) -> slice:
    return slice(int(ends[place - 1]) if place else 0, int(ends[place]))
