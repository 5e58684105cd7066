"""Small graphs in files of both kinds."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

TRIANGLE = {
    "id": "triangle",
    "label": 1,
    "num_nodes": 3,
    "x": [[0.5, 1], [1.5, 2], [2.5, 3]],
    "node_tag": [0, 2, 2],
    "edges": [[0, 1], [1, 2], [2, 0]],
}
PATH = {**TRIANGLE, "id": "path", "label": 0, "edges": [[0, 1], [1, 2], [1, 2]]}
EMPTY = {**TRIANGLE, "id": "no edges", "label": 0, "edges": []}


def json_lines(path: Path, *graphs: Any) -> Path:
    """A file with a graph in each line; text is a line as it stands."""
    lines = [graph if isinstance(graph, str) else json.dumps(graph) for graph in graphs]
    path.write_text("\n".join(lines) + "\n")
    return path


def hdf5(path: Path, *graphs: dict[str, Any]) -> Path:
    """A file with a group for each graph, named by its id."""
    with h5py.File(path, "w") as file:
        for graph in graphs:
            group = file.create_group(graph["id"])
            for name, value in graph.items():
                group[name] = value if isinstance(value, str) else np.asarray(value)
    return path


def rings(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Rings of class 1 and paths of class 0, in turn, of 4 to 8 nodes."""
    graphs = []
    for i in range(count):
        nodes = 4 + i % 5
        edges = [[k, k + 1] for k in range(nodes - 1)] + [[nodes - 1, 0]] * (i % 2)
        named = {name: value(i) for name, value in fields.items()}
        graphs.append({"id": f"g{i}", "label": i % 2, "num_nodes": nodes, "edges": edges, **named})
    return graphs
