"""Test accuracy of the graph classifier over all folds, beside a logistic regression.

python benchmarks/graph_classifiers.py                                   built-in causal sets
python benchmarks/graph_classifiers.py FILE.jsonl --overrides model.n_layers=3

Prints a row of a Markdown table. The regression is on the mean of each feature over a graph's
nodes and the number of nodes; of orders also on three numbers of theirs: the ordering fraction, the
height over the number of elements, and links over relations. It trains on what the GNN trains and
validates on.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from trialsmith.data import GraphData, causal_sets, graphs

ROOT = Path(__file__).resolve().parent.parent


def means(data: GraphData, place: int) -> list[float]:
    """The mean of each feature over the nodes, and the number of nodes."""
    nodes = data.graphs.nodes_of(place)
    return [*nodes.mean(0).tolist(), len(nodes)]


def order(data: GraphData, place: int) -> list[float]:
    """Of an order: ordering fraction, height over elements, links over relations."""
    nodes = data.graphs.nodes_of(place)
    columns = dict(zip(data.graphs.features, nodes.T, strict=True))
    relations, links = (columns[f"{m} from"].sum() for m in ("adjacency_matrix", "link_matrix"))
    elements, height = len(nodes), columns["max_pathlen_past"].max() + 1
    return [2 * relations / elements / (elements - 1), height / elements, links / relations]


def regression(
    make: Callable[..., GraphData], features: Callable[[GraphData, int], list[float]]
) -> list[float]:
    """Test accuracy of each fold."""
    found = []
    for fold in make(fold="all").fold_names:
        data = make(fold=fold)
        x = np.array([features(data, place) for place in range(len(data.graphs))])
        train = np.concatenate([data.parts["train"], data.parts["val"]])
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        model.fit(x[train], data.class_numbers[train])
        found.append(model.score(x[data.parts["test"]], data.class_numbers[data.parts["test"]]))
    return found


def gnn(data: list[str], overrides: list[str]) -> list[float]:
    """Test accuracy of each fold."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "train.py", *data, "data.fold=all", f"hydra.run.dir={folder}"]
        score = ["monitor=val/loss", "direction=minimize", "plots=false", "logger=csv"]
        subprocess.run([*command, *score, *overrides], cwd=ROOT, check=True)
        folds: dict[str, Any] = json.loads((Path(folder) / "metrics.json").read_text())["folds"]
    return [fold["test/accuracy"] for fold in folds.values()]


def told(values: list[float]) -> str:
    return f"{statistics.fmean(values):.3f} ± {statistics.stdev(values):.3f}"


def data_of(file: Path | None) -> tuple[Callable[..., GraphData], list[str]]:
    """What makes the data of a file, or the built-in ones, and the overrides that choose them."""
    if file is None:
        return causal_sets, ["data=causal_sets"]
    return partial(graphs, file), ["data=graphs", f"data.path={file.resolve()}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--overrides", nargs="*", default=[], help="of train.py")
    options = parser.parse_args()
    make, data = data_of(options.file)
    found = make()
    is_order = {"adjacency_matrix from", "link_matrix from"} <= set(found.graphs.features)
    rows = {
        "graphs": f"{len(found.graphs)}, {len(found.targets[0].classes)} classes",
        "regression on means": told(regression(make, means)),
        "regression on three numbers": told(regression(make, order)) if is_order else "–",
        "GNN": told(gnn(data, options.overrides)),
    }
    print("| " + " | ".join(["data", *rows]) + " |")
    print("|" + " --- |" * (len(rows) + 1))
    print(
        "| "
        + " | ".join([options.file.name if options.file else "built in", *rows.values()])
        + " |"
    )


if __name__ == "__main__":
    main()
