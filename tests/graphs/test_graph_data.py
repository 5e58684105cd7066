"""Graphs for a Trainer: batches, folds, scales; and the built-in causal sets."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from graph_examples import EMPTY, PATH, TRIANGLE, json_lines, rings

from trialsmith.data import GraphBatch, GraphData, causal_sets
from trialsmith.data import graphs as build
from trialsmith.errors import DataError


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., GraphData]:
    def opened(*graphs: dict[str, Any], **options: Any) -> GraphData:
        path = json_lines(tmp_path / "graphs.jsonl", *(graphs or rings(40)))
        data = build(path, **{"cache_dir": tmp_path / "cache", **options})
        data.prepare_data()
        return data

    return opened


def whole(data: GraphData, part: str) -> GraphBatch:
    """All graphs of a part in one batch."""
    return data.batches(part).__getitems__(list(range(data.sizes[part])))


def test_a_batch_is_its_graphs_side_by_side(opened: Callable[..., GraphData]) -> None:
    data = opened(batch_size=7, directed=True)
    batches = list(data.train_dataloader())
    assert [len(batch) for batch in batches] == [7, 7, 7, 7, 4]
    assert len({name for batch in batches for name in batch.ids}) == data.sizes["train"]
    for batch in batches:
        for number, name in enumerate(batch.ids):
            place = data.graphs.ids.index(name)
            nodes = torch.nonzero(batch.graph == number).flatten()
            assert len(nodes) == len(data.graphs.nodes_of(place))
            within = torch.isin(batch.edges[0], nodes)
            moved = batch.edges[:, within] - nodes[0]
            assert moved.tolist() == data.graphs.edges_of(place).tolist()
            assert data.targets[0].classes[int(batch.target[number])] == data.graphs.labels[place]


def test_messages_go_both_ways_unless_edges_are_directed(
    opened: Callable[..., GraphData],
) -> None:
    counts = {"n_train": 1, "n_val": 1, "n_test": 1}
    graphs = [{**TRIANGLE, "split": "train"}, {**PATH, "split": "val"}, {**EMPTY, "split": "test"}]
    both = opened(*graphs, **counts)
    one = opened(*graphs, **counts, directed=True)
    pairs = {tuple(pair) for pair in whole(both, "val").edges.T.tolist()}
    assert pairs == {(0, 1), (1, 0), (1, 2), (2, 1)}
    assert whole(one, "val").edges.T.tolist() == [[0, 1], [1, 2]]
    assert whole(both, "test").edges.shape == (2, 0)


def test_numbers_are_standardised_by_the_training_split(opened: Callable[..., GraphData]) -> None:
    height = [(20.0 if i < 20 else 3.0) for i in range(40)]
    graphs = rings(
        40,
        x=lambda i: [[height[i] + k, 5] for k in range(4 + i % 5)],
        node_tag=lambda i: [i % 3] * (4 + i % 5),
    )
    data = opened(*graphs)
    nodes = whole(data, "train").nodes.numpy()
    features = data.graphs.features
    np.testing.assert_allclose(nodes[:, features.index("x.0")].mean(), 0, atol=1e-5)
    np.testing.assert_allclose(nodes[:, features.index("x.0")].std(), 1, atol=1e-5)
    np.testing.assert_array_equal(nodes[:, features.index("x.1")], 0)  # it does not vary
    kinds = nodes[:, [features.index(f"kind {k}") for k in range(3)]]
    np.testing.assert_array_equal(kinds.sum(1), 1)
    assert set(np.unique(kinds)) == {0, 1}
    test = whole(data, "test").nodes.numpy()
    mean, std = data.moments
    again = np.concatenate([data.graphs.nodes_of(place) for place in data.parts["test"].tolist()])
    np.testing.assert_allclose(test * std + mean, again, rtol=1e-5)


def test_each_fold_tests_once_and_validates_once(opened: Callable[..., GraphData]) -> None:
    tested, validated = Counter[str](), Counter[str]()
    for fold in range(4):
        data = opened(fold=fold, folds=4)
        parts = {part: [data.graphs.ids[k] for k in data.parts[part]] for part in data.parts}
        tested.update(parts["test"])
        validated.update(parts["val"])
        assert len({name for names in parts.values() for name in names}) == 40
        classes = Counter(data.graphs.labels[place] for place in data.parts["test"])
        assert classes == {"0": 5, "1": 5}  # every class is spread evenly
    assert set(tested.values()) == set(validated.values()) == {1}
    assert len(tested) == len(validated) == 40


def test_a_fold_that_is_held_out_tests_and_the_others_validate(
    opened: Callable[..., GraphData],
) -> None:
    alone = opened(fold=2, folds=4).parts["test"].tolist()
    validated = Counter[int]()
    for fold in (0, 1, 3):
        parts = opened(fold=fold, folds=4, held_out=2).parts
        assert parts["test"].tolist() == alone
        validated.update(parts["val"].tolist())
        assert set(parts["train"]) == set(range(40)) - {*alone, *parts["val"].tolist()}
    assert set(validated) == set(range(40)) - set(alone)
    assert set(validated.values()) == {1}
    whole = opened(fold="all", folds=4, held_out="2")
    assert whole.fold_names == ["0", "1", "3"]
    assert whole.fingerprint != opened(fold="all", folds=4).fingerprint


def test_folds_follow_ids_and_the_seed_and_not_the_order(opened: Callable[..., GraphData]) -> None:
    def test_ids(data: GraphData) -> set[str]:
        return {data.graphs.ids[place] for place in data.parts["test"]}

    graphs = rings(40)
    first = test_ids(opened(*graphs, fold=0))
    assert test_ids(opened(*graphs[::-1], fold="0")) == first
    assert test_ids(opened(*graphs, fold=0, seed=1)) != first


def test_the_files_own_folds_are_kept_and_a_graph_of_none_trains(
    opened: Callable[..., GraphData],
) -> None:
    graphs = rings(40, test_fold=lambda i: None if i == 7 else i % 3 + 1)
    data = opened(*graphs, fold=3)
    assert data.fold_names == ["1", "2", "3"]
    for part, expected in (("test", 3), ("val", 1)):
        places = data.parts[part].tolist()
        assert {place % 3 + 1 for place in places} == {expected}
    assert 7 in data.parts["train"]
    with pytest.raises(DataError, match=r"data\.fold=0 is not one fold: choose one of 1, 2, 3"):
        opened(*graphs, fold=0)
    assert opened(*graphs, fold=0, fields={"fold": "none"}).sizes["test"] == 8  # of five drawn
    two = rings(40, test_fold=lambda i: i % 2)
    with pytest.raises(DataError, match=r"2 folds \(0, 1\), and three .* data.fields.fold=none"):
        opened(*two, fold=0)


def test_all_folds_are_one_fingerprint(opened: Callable[..., GraphData]) -> None:
    data = opened(fold="all")
    assert data.fold_names == ["0", "1", "2", "3", "4"]
    with pytest.raises(DataError, match=r"data\.fold=all is not one fold"):
        data.parts  # noqa: B018
    prints = {data.fingerprint, *(opened(fold=k).fingerprint for k in range(5))}
    assert len(prints) == 6
    assert opened(fold="all", seed=1).fingerprint not in prints
    assert opened(fold="all").fingerprint == data.fingerprint


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fold": 0, "folds": 2}, r"data\.folds=2 must be a whole number, at least 3"),
        ({"fold": "all", "held_out": 5}, r"data\.held_out=5 is not one fold: choose one of 0, 1"),
        ({"fold": 1, "held_out": 1}, r"data\.fold=1 is held out: choose one of 0, 2, 3, 4"),
        ({"held_out": 1}, r"data\.held_out=1 .* no folds are taken: add data\.fold=all"),
        ({"on_error": "mask"}, r"data\.on_error=mask must be one of raise, skip"),
        ({"batch_size": 0}, r"data\.batch_size=0"),
        ({"limit": 0}, r"data\.limit=0"),
    ],
)
def test_what_cannot_be_is_refused(
    options: dict[str, Any], words: str, opened: Callable[..., GraphData]
) -> None:
    with pytest.raises(DataError, match=words):
        opened(**options)


def test_limit_keeps_classes_and_the_split(opened: Callable[..., GraphData]) -> None:
    few, more = opened(fold=1, limit=15), opened(fold=1, limit=30)
    assert sum(few.sizes.values()) == 15
    for part in ("train", "val", "test"):
        assert set(few.parts[part]) <= set(more.parts[part])


def test_causal_sets_are_seeded_and_more_begin_with_the_same(tmp_path: Path) -> None:
    def data(n: int, **options: Any) -> GraphData:
        return causal_sets(n, (8, 14), cache_dir=tmp_path, **options)

    few, more = data(12), data(20)
    assert more.graphs.labels[:4] == ["2", "3", "4", "layered"]
    assert few.targets[0].classes == ("2", "3", "4", "layered")
    for place in range(12):
        np.testing.assert_array_equal(few.graphs.nodes_of(place), more.graphs.nodes_of(place))
        np.testing.assert_array_equal(few.graphs.edges_of(place), more.graphs.edges_of(place))
    assert data(12, order_seed=1).fingerprint != few.fingerprint
    sizes = np.diff(more.graphs.node_ends, prepend=0)
    assert sizes.min() >= 8
    assert sizes.max() <= 14
    two = data(12, target="spacetime")
    assert Counter(two.graphs.labels) == {"yes": 6, "no": 6}
    assert "max_pathlen_future" in two.graphs.features


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "dim"}, r"data\.target=dim must be dimension or spacetime"),
        ({"n": 0}, r"data\.n=0"),
        ({"elements": [3, 5]}, r"data\.elements=\[3, 5\] must be .* 4 at least"),
        ({"elements": [9, 5]}, r"data\.elements=\[9, 5\]"),
        ({"order_seed": -1}, r"data\.order_seed=-1"),
    ],
)
def test_causal_sets_that_cannot_be_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=words):
        causal_sets(**options)
