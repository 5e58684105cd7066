"""Graphs of the user's files: what is read, and what is refused in which words."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from graph_examples import EMPTY, PATH, TRIANGLE, hdf5, json_lines, rings

from trialsmith.data import GraphData, Graphs
from trialsmith.data import graphs as build
from trialsmith.errors import DataError


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., GraphData]:
    def opened(path: Path, **options: Any) -> GraphData:
        return build(path, **{"cache_dir": tmp_path / "cache", **options})

    return opened


def column(graphs: Graphs, name: str, place: int) -> list[float]:
    return graphs.nodes_of(place)[:, graphs.features.index(name)].tolist()


def test_fields_are_recognised_and_edges_count(
    tmp_path: Path, opened: Callable[..., GraphData]
) -> None:
    data = opened(json_lines(tmp_path / "a.jsonl", TRIANGLE, PATH, EMPTY))
    graphs = data.graphs
    assert graphs.features == ["x.0", "x.1", "edges from", "edges to", "kind 0", "kind 2"]
    assert graphs.measured.tolist() == [True] * 4 + [False] * 2
    assert graphs.ids == ["triangle", "path", "no edges"]
    assert column(graphs, "x.0", 1) == [0.5, 1.5, 2.5]
    assert column(graphs, "kind 2", 1) == [0, 1, 1]
    assert graphs.edges_of(1).tolist() == [[0, 1], [1, 2]]  # an edge given twice is one
    assert column(graphs, "edges from", 1) == [1, 1, 0]
    assert column(graphs, "edges to", 1) == [0, 1, 1]
    assert column(graphs, "edges from", 2) == [0, 0, 0]
    assert data.targets[0].classes == ("0", "1")
    assert data.dimensions == {"outputs": 2, "node_features": 6}


def test_both_kinds_of_files_give_the_same(
    tmp_path: Path, opened: Callable[..., GraphData]
) -> None:
    lines = opened(json_lines(tmp_path / "a.jsonl", TRIANGLE, PATH)).graphs
    matrix = np.zeros((3, 3), np.uint8)
    matrix[[0, 1, 2], [1, 2, 0]] = 1
    ring = {**TRIANGLE, "adjacency_matrix": matrix}
    other = {**PATH, "adjacency_matrix": np.triu(matrix)}
    groups = [{k: v for k, v in graph.items() if k != "edges"} for graph in (ring, other)]
    found = opened(hdf5(tmp_path / "a.h5", *groups)).graphs
    by_id = [found.ids.index(name) for name in lines.ids]
    for place, there in enumerate(by_id):
        np.testing.assert_array_equal(lines.nodes_of(place), found.nodes_of(there))
        assert sorted(lines.edges_of(place).T.tolist()) == found.edges_of(there).T.tolist()
        assert lines.labels[place] == found.labels[there]


def test_a_number_of_nodes_may_stand_in_an_array_of_one(
    tmp_path: Path, opened: Callable[..., GraphData]
) -> None:
    bare = [
        {name: graph[name] for name in ("id", "label", "num_nodes", "edges")} for graph in rings(6)
    ]
    plain = opened(json_lines(tmp_path / "a.jsonl", *bare)).graphs
    for shape in ((1,), (1, 1)):
        wrapped = [{**g, "num_nodes": np.full(shape, g["num_nodes"])} for g in bare]
        lists = [{**g, "num_nodes": g["num_nodes"].tolist()} for g in wrapped]
        for path in (
            hdf5(tmp_path / f"{len(shape)}.h5", *wrapped),
            json_lines(tmp_path / f"{len(shape)}.jsonl", *lists),
        ):
            np.testing.assert_array_equal(opened(path).graphs.node_ends, plain.node_ends)


def test_fields_can_be_named(tmp_path: Path, opened: Callable[..., GraphData]) -> None:
    graphs = [
        {"g": f"n{i}", "kind": f"c{i % 2}", "e": [[0, 1]], "h": [1, i], "edge_index": [[1], [0]]}
        for i in range(4)
    ]
    path = json_lines(tmp_path / "a.jsonl", *graphs)
    fields = {"id": "g", "edges": "e", "features": ["h"], "relations": "edge_index"}
    found = opened(path, target="kind", fields=fields).graphs
    relations = ["edge_index from", "edge_index to"]
    shares = [f"{name}, share" for name in relations]
    assert found.features == ["h", "e from", "e to", *relations, *shares]
    assert found.ids[3] == "n3"
    assert found.target == "kind"
    assert column(found, "edge_index from", 0) == [0, 1]
    assert opened(path, target="kind", fields=fields, degrees=False).graphs.features == ["h"]


def test_relations_count_as_shares_of_the_other_elements(
    tmp_path: Path, opened: Callable[..., GraphData]
) -> None:
    chains = [
        {
            "id": f"g{n}",
            "label": n % 2,
            "link_matrix": np.eye(n, k=1),
            "adjacency_matrix": np.triu(np.ones((n, n)), 1),
        }
        for n in (1, 4, 7)
    ]
    graphs = opened(hdf5(tmp_path / "a.h5", *chains)).graphs
    for place, graph in enumerate(chains):
        future, past = (
            column(graphs, f"adjacency_matrix {end}, share", place) for end in ("from", "to")
        )
        # in a chain each element is related to all others: the ordering fraction is one
        related = np.add(future, past)
        np.testing.assert_allclose(related, float(graph["link_matrix"].shape[0] > 1))


def test_a_field_that_the_first_graph_lacks_is_no_silence(
    tmp_path: Path, opened: Callable[..., GraphData]
) -> None:
    bare = {k: v for k, v in PATH.items() if k not in ("x", "node_tag")}
    path = json_lines(tmp_path / "a.jsonl", bare, TRIANGLE)
    with pytest.raises(DataError, match="x is missing in the first graph; give it to all"):
        opened(path).graphs  # noqa: B018
    assert len(opened(path, fields={"features": "none", "kinds": "none"}).graphs) == 2
    # but a graph without a fold is in none
    folds = [{**graph, **({"test_fold": k % 3} if k else {})} for k, graph in enumerate(rings(9))]
    data = opened(json_lines(tmp_path / "b.jsonl", *folds), fold=1)
    assert data.graphs.folds == ["", "1", "2", "0", "1", "2", "0", "1", "2"]
    assert 0 in data.parts["train"]


def test_hdf5_says_no_fold_by_nan_or_an_empty_text(
    tmp_path: Path, opened: Callable[..., GraphData]
) -> None:
    numbers = rings(6, test_fold=lambda i: np.nan if i == 2 else float(i % 3))
    texts = rings(6, test_fold=lambda i: "" if i == 2 else f"{i % 3}")
    for name, graphs in (("numbers", numbers), ("texts", texts)):
        found = opened(hdf5(tmp_path / f"{name}.h5", *graphs)).graphs
        assert dict(zip(found.ids, found.folds, strict=True))["g2"] == ""
        assert set(found.folds) == {"", "0", "1", "2"}


def test_measured_numbers_are_no_classes(tmp_path: Path, opened: Callable[..., GraphData]) -> None:
    measured = [{**graph, "label": 0.37 + k} for k, graph in enumerate(rings(6))]
    with pytest.raises(DataError, match=r"label=0\.37 is neither.*no numbers are fitted"):
        opened(json_lines(tmp_path / "a.jsonl", *measured)).graphs  # noqa: B018
    counted = [{**graph, "label": float(k)} for k, graph in enumerate(rings(30))]
    with pytest.raises(DataError, match=r"label has 30 values in 30 graphs.*no numbers are fitted"):
        opened(json_lines(tmp_path / "b.jsonl", *counted)).targets  # noqa: B018


def test_the_groups_own_file(shared: Path, opened: Callable[..., GraphData]) -> None:
    path = shared / "data" / "causets_synthetic" / "dim3class_300"
    data = opened(path.with_suffix(".h5"), target="dimension")
    assert data.targets[0].classes == ("2", "3", "4")
    graphs = data.graphs
    assert graphs.features[:2] == ["max_pathlen_future", "max_pathlen_past"]
    assert len(graphs) == 300
    lines = opened(path.with_suffix(".jsonl")).graphs
    assert lines.features == ["x.0", "x.1", "edges_links from", "edges_links to"]
    np.testing.assert_array_equal(lines.edges, graphs.edges)  # both hold the links
    np.testing.assert_array_equal(column(lines, "x.0", 7), column(graphs, graphs.features[1], 7))


def test_molecules_have_kinds_and_folds(shared: Path, opened: Callable[..., GraphData]) -> None:
    for name, graphs, kinds in (("MUTAG", 188, 9), ("PTC", 344, 19)):
        data = opened(shared / "data" / "graphs" / f"{name}.jsonl", fold=10)
        assert (len(data.graphs), len(data.graphs.features)) == (graphs, 2 + kinds)
        assert data.fold_names == [str(k) for k in range(1, 11)]
        test = {data.graphs.folds[place] for place in data.parts["test"]}
        val = {data.graphs.folds[place] for place in data.parts["val"]}
        assert (test, val) == ({"10"}, {"1"})


WRONG = [
    ({**PATH, "edges": [[0, 1], [1, 3]]}, "edge 1 leads from 1 to 3, and the 3 nodes are counted"),
    ({**PATH, "edges": [[1, 2], [2, 3]]}, "it seems to count from 1"),
    ({**PATH, "edges": [[-1, 2]]}, "leads from -1 to 2"),
    ({**PATH, "edges": [[0, 1], [1]]}, "edges is ragged"),
    ({**PATH, "edges": [0, 1]}, r"edges has the shape \(2,\); \(edges, 2\)"),
    ({**PATH, "edges": [[0, 0.5]]}, "no whole number"),
    ({**PATH, "edges": [["a", "b"]]}, "holds what is no number"),
    ({**PATH, "num_nodes": 0, "x": [], "node_tag": []}, "it has no nodes"),
    ({**PATH, "num_nodes": 2.5}, "not one whole number"),
    ({**PATH, "num_nodes": [2.5]}, "not one whole number"),
    ({**PATH, "num_nodes": [3, 3]}, "not one whole number"),
    ({**PATH, "num_nodes": 1e30}, "the most nodes of a graph"),
    ({**PATH, "num_nodes": 4}, r"x has the shape \(3, 2\) for 4 nodes"),
    ({**PATH, "x": [[1, 2], [3, 4], [5]]}, "x is ragged"),
    ({**PATH, "x": [1, 2, 3]}, r"1 numbers|3 numbers \(x, "),
    ({**PATH, "x": [[1, 2], [3, 4], [5, None]]}, "x holds what is no number"),
    ('{"id": "path", "label": 0, "num_nodes": 1, "x": [[1, NaN]], "edges": []}', "NaN"),
    ({**PATH, "x": [[1, 2], [3, 4], [5, 1e300]]}, "beyond 3.4e38"),
    ({**PATH, "node_tag": [1, 2]}, "names 2 kinds for 3 nodes"),
    ({**PATH, "node_tag": [1, 2, 0.5]}, "node_tag=0.5 is neither a name nor a whole number"),
    ({**PATH, "label": None}, "label=None is neither"),
    ({**PATH, "label": [1]}, r"label=\[1\] is neither"),
    ({k: v for k, v in PATH.items() if k != "label"}, "label is missing"),
    ({k: v for k, v in PATH.items() if k != "edges"}, "edges is missing"),
    ({k: v for k, v in PATH.items() if k != "x"}, "x is missing; the first graph has it"),
    ({**PATH, "id": "triangle"}, "stands already at .*line 1"),
    ('{"id": "path", "label"', "not JSON"),
    ("[1, 2]", "no JSON object"),
    ("[" * 100_000, "not JSON"),
    ('"\udcff"'.encode("utf-8", "surrogateescape").decode("latin-1"), "no JSON object"),
]


@pytest.mark.parametrize(("wrong", "words"), WRONG)
def test_a_graph_that_cannot_be_used_is_named_or_left_out(
    wrong: Any, words: str, tmp_path: Path, opened: Callable[..., GraphData]
) -> None:
    path = json_lines(tmp_path / "a.jsonl", TRIANGLE, EMPTY, wrong)
    with pytest.raises(DataError, match=words) as refused:
        opened(path).graphs  # noqa: B018
    assert "1 of 3 rows cannot be used" in str(refused.value)
    assert f"{path}, line 3" in str(refused.value)
    assert "data.on_error=skip" in str(refused.value)
    data = opened(path, on_error="skip")
    assert data.graphs.ids == ["triangle", "no edges"]
    (problem,) = data.skipped
    assert problem.where == f"{path}, line 3"


def test_matrices_and_damaged_groups(tmp_path: Path, opened: Callable[..., GraphData]) -> None:
    good = [
        {"id": f"g{i}", "label": i % 2, "adjacency_matrix": np.eye(3, k=1), "atomcount": 3}
        for i in range(3)
    ]
    wrong = [
        {**good[0], "id": "h0", "adjacency_matrix": np.eye(4)},
        {**good[0], "id": "h1", "adjacency_matrix": np.full((3, 3), np.nan)},
        {"id": "h2", "label": 0, "atomcount": 3},
    ]
    data = opened(hdf5(tmp_path / "a.h5", *good, *wrong), on_error="skip")
    assert data.graphs.ids == ["g0", "g1", "g2"]
    told = [problem.message for problem in data.skipped]
    assert "has the shape (4, 4) for 3 nodes" in told[0]
    assert "NaN" in told[1]
    assert "adjacency_matrix is missing" in told[2]
    assert data.skipped[0].where == f"{tmp_path / 'a.h5'}, group h0"


def test_a_file_that_cannot_be_opened_is_refused(
    tmp_path: Path, opened: Callable[..., GraphData]
) -> None:
    whole = hdf5(tmp_path / "whole.h5", {**TRIANGLE, "x": np.zeros((3, 5000))}, PATH)
    cut = tmp_path / "cut.h5"
    cut.write_bytes(whole.read_bytes()[:-4000])
    (tmp_path / "foreign.h5").write_text("no HDF5")
    with h5py.File(tmp_path / "flat.h5", "w") as file:
        file["adjacency_matrix"] = np.zeros((2, 3, 3))
    json_lines(tmp_path / "empty.jsonl")
    json_lines(tmp_path / "broken.jsonl", "{", "}")
    for name, words in (
        ("cut.h5", "cannot be opened as HDF5.*cut short"),
        ("foreign.h5", "cannot be opened as HDF5"),
        ("flat.h5", "has no groups.*It has adjacency_matrix"),
        ("nowhere.h5", "there is no such file"),
        ("", "is a folder; a file of graphs, JSON lines or HDF5, is needed"),
        ("empty.jsonl", "is empty: a line for each graph is needed"),
        ("broken.jsonl", "no graph can be used\n.*line 1"),
    ):
        with pytest.raises(DataError, match=words) as refused:
            opened(tmp_path / name, on_error="skip").graphs  # noqa: B018
        assert name in str(refused.value)
    (tmp_path / "a.csv").write_text("id,label\n")
    with pytest.raises(DataError, match=r"of no known kind; its name must end in \.jsonl"):
        opened(tmp_path / "a.csv").graphs  # noqa: B018


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "lable"}, r"data\.target=lable: .* has no such field. Did you mean 'label'"),
        ({"fields": {"edge": "edges"}}, r"data\.fields\.edge: the roles are id, label"),
        ({"fields": {"features": ["x", "y"]}}, r"data\.fields\.features=y: "),
        ({"fields": {"edges": "none"}}, "no field of edges .* name one, data.fields.edges=…"),
        ({"degrees": False, "fields": {"features": "none", "kinds": "none"}}, "degrees=true"),
    ],
)
def test_fields_that_are_not_there_are_refused(
    options: dict[str, Any], words: str, tmp_path: Path, opened: Callable[..., GraphData]
) -> None:
    path = json_lines(tmp_path / "a.jsonl", TRIANGLE, PATH)
    with pytest.raises(DataError, match=words):
        opened(path, **options).graphs  # noqa: B018


def test_what_nobody_says_is_asked_for(tmp_path: Path, opened: Callable[..., GraphData]) -> None:
    bare = [{"label": i % 2, "edges": [[0, 1]]} for i in range(4)]
    with pytest.raises(DataError, match="how many nodes it has: give num_nodes"):
        opened(json_lines(tmp_path / "a.jsonl", *bare)).graphs  # noqa: B018
    same = [{**graph, "label": 3} for graph in rings(6)]
    with pytest.raises(DataError, match="All graphs are of one class, label=3"):
        opened(json_lines(tmp_path / "b.jsonl", *same)).targets  # noqa: B018


def test_a_file_that_was_changed_is_read_again(
    tmp_path: Path, opened: Callable[..., GraphData]
) -> None:
    path = json_lines(tmp_path / "a.jsonl", *rings(6))
    assert len(opened(path).graphs) == 6
    json_lines(path, *(json.loads(json.dumps(graph)) for graph in rings(8)))
    assert len(opened(path).graphs) == 8
