"""Sprinkled and layered orders obey the theory's laws."""

import math

import networkx as nx
import numpy as np
import pytest

from trialsmith.data.orders import (
    diamond,
    layered,
    links,
    longest_chains,
    ordering_fraction,
    sprinkled,
)

# J. Myrheim, CERN TH-2538 (1978); D. Meyer, PhD thesis, MIT (1988)
FRACTIONS = {2: 1 / 2, 3: 8 / 35, 4: 1 / 10}


def orders(seed: int = 0) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    return [*(sprinkled(24, dimension, draw) for dimension in FRACTIONS), layered(24, draw)]


@pytest.mark.parametrize("dimension", FRACTIONS)
def test_the_ordering_fraction_tells_the_dimension(dimension: int) -> None:
    draw = np.random.default_rng(dimension)
    found = [ordering_fraction(sprinkled(100, dimension, draw)) for _ in range(100)]
    error = np.std(found) / math.sqrt(len(found))
    assert error < 0.01
    assert abs(np.mean(found) - FRACTIONS[dimension]) < 4 * error


@pytest.mark.parametrize("dimension", FRACTIONS)
def test_points_are_uniform_in_volume(dimension: int) -> None:
    """Of all points (τ/2)^d lie between two that are τ apart in proper time, wherever these are."""
    points = diamond(40_000, dimension, np.random.default_rng(1))
    assert (np.linalg.norm(points[:, 1:], axis=1) <= 1 - np.abs(points[:, 0])).all()
    rest = [0.0] * (dimension - 2)
    for start, end in (
        ([0, 0, *rest], [1, 0, *rest]),
        ([-0.5, 0.2, *rest], [0.6, -0.3, *rest]),
        ([-0.9, 0, *rest], [0.2, 0.7, *rest]),
    ):
        inside = np.ones(len(points), bool)
        for apart in (points - start, np.array(end) - points):
            inside &= apart[:, 0] >= np.linalg.norm(apart[:, 1:], axis=1)
        span = np.subtract(end, start)
        proper_time = math.sqrt(span[0] ** 2 - (span[1:] ** 2).sum())
        share = (proper_time / 2) ** dimension
        error = math.sqrt(share * (1 - share) / len(points))
        assert abs(inside.mean() - share) < 4 * error


def test_most_orders_are_layered_and_look_like_it() -> None:
    """Three layers of n/4, n/2, n/4; half of the pairs of neighbouring layers, all of the outer."""
    order = layered(400, np.random.default_rng(0))
    future, past = longest_chains(order)
    assert set((future + past).tolist()) <= {0, 1, 2}
    layer = np.repeat([0, 1, 2], [100, 200, 100])
    for below, above, share in ((0, 1, 0.5), (1, 2, 0.5), (0, 2, 1.0)):
        assert order[layer == below][:, layer == above].mean() == pytest.approx(share, abs=0.015)
        assert not order[layer == above][:, layer == below].any()
    assert not any(order[layer == n][:, layer == n].any() for n in range(3))
    assert ordering_fraction(order) == pytest.approx(3 / 8, abs=0.005)


@pytest.mark.parametrize("order", orders(), ids=["2", "3", "4", "layered"])
def test_orders_are_transitive_and_links_are_their_reduction(order: np.ndarray) -> None:
    assert not (order & np.tri(len(order), dtype=bool)).any()
    steps = order.astype(int)
    assert not ((steps @ steps > 0) & ~order).any()
    graph = nx.from_numpy_array(links(order), create_using=nx.DiGraph)
    whole = nx.from_numpy_array(order, create_using=nx.DiGraph)
    assert set(graph.edges) == set(nx.transitive_reduction(whole).edges)
    assert set(nx.transitive_closure(graph).edges) == set(whole.edges)


@pytest.mark.parametrize("order", orders(1), ids=["2", "3", "4", "layered"])
def test_longest_chains_are_the_longest_of_all_chains(order: np.ndarray) -> None:
    future, past = longest_chains(order)
    steps, chains = order.astype(int), np.eye(len(order), dtype=int)
    expected = np.zeros((2, len(order)), int)
    for length in range(1, len(order)):
        chains = np.minimum(chains @ steps, 1)  # whether a chain of this length joins two
        expected[0, chains.any(1)] = length
        expected[1, chains.any(0)] = length
    np.testing.assert_array_equal(future, expected[0])
    np.testing.assert_array_equal(past, expected[1])


def test_the_groups_own_files_agree(shared) -> None:
    import h5py

    with h5py.File(shared / "data" / "causets_synthetic" / "dim3class_300.h5") as file:
        for name in list(file)[:30]:
            group = {key: data[()] for key, data in file[name].items()}
            order = group["adjacency_matrix"].astype(bool)
            np.testing.assert_array_equal(links(order), group["link_matrix"])
            future, past = longest_chains(order)
            np.testing.assert_array_equal(future, group["max_pathlen_future"])
            np.testing.assert_array_equal(past, group["max_pathlen_past"])
