"""New graphs for a trained model are read as the training's were."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from graph_examples import hdf5, json_lines, rings

from trialsmith.data import GraphData, Problem
from trialsmith.data import graphs as build
from trialsmith.data.graph_reader import GraphReader
from trialsmith.errors import DataError


def kinds(i: int) -> list[int]:
    return [k % 3 for k in range(4 + i % 5)]


GRAPHS = rings(30, node_tag=kinds)


@pytest.fixture
def data(tmp_path: Path) -> GraphData:
    path = json_lines(tmp_path / "graphs.jsonl", *GRAPHS)
    data = build(path, cache_dir=tmp_path / "cache")
    data.prepare_data()
    return data


@pytest.fixture
def reader(data: GraphData, tmp_path: Path) -> GraphReader:
    """As of a checkpoint, where the training's file is not."""
    torch.save(data.state_dict(), tmp_path / "state.ckpt")
    state = torch.load(tmp_path / "state.ckpt", weights_only=True)
    return build(tmp_path / "nowhere.jsonl").reader(state)


def without_labels(graphs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{k: v for k, v in graph.items() if k != "label"} for graph in graphs]


@pytest.mark.parametrize("kind", ["lines", "groups", "mappings", "folder"])
def test_the_same_graphs_make_the_same_batch(
    kind: str, data: GraphData, reader: GraphReader, tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    new = without_labels(GRAPHS)
    ways: dict[str, list[Any]] = {
        "lines": [json_lines(tmp_path / "new" / "b.jsonl", *new)],
        "groups": [hdf5(tmp_path / "b.h5", *new)],
        "mappings": new,
        "folder": [tmp_path / "new"],
    }
    samples = {graph.id: graph for graph in reader.samples(ways[kind])}
    test = data.batches("test").__getitems__(list(range(data.sizes["test"])))
    batch, places, problems = reader.batch([samples[name] for name in test.ids])
    assert batch is not None
    assert (batch.ids, places, problems) == (test.ids, list(range(len(test))), [])
    for name in ("nodes", "edges", "graph"):
        torch.testing.assert_close(getattr(batch, name), getattr(test, name))


def test_what_the_model_does_not_know_is_told(reader: GraphReader, tmp_path: Path) -> None:
    good, other, bare, bad = without_labels(rings(4, node_tag=kinds))
    other["node_tag"] = ["7"] * len(other["node_tag"])
    del bare["node_tag"]
    bad["edges"] = [[0, 99]]
    found = list(reader.samples([good, other, bare, {**good, "x": [1.0] * 4}, bad]))
    assert isinstance(found[4], Problem)
    assert "leads from 0 to 99" in found[4].message
    batch, places, problems = reader.batch([g for g in found if not isinstance(g, Problem)])
    assert batch is not None
    assert places == [0]
    told = [problem.message for problem in problems]
    assert told[0] == "it has nodes of the kinds 7; the training had 0, 1, 2"
    assert told[1] == "its nodes have no kinds; those of the training had"
    assert told[2].startswith("its nodes have the numbers x, edges from, edges to; those of the")
    assert reader.batch([]) == (None, [], [])
    (missing,) = reader.samples([tmp_path / "nothing.h5"])
    assert "there is no such file" in missing.message
    with pytest.raises(DataError, match="input 0 is a ndarray: give paths, or mappings"):
        list(reader.samples([np.zeros(3)]))
