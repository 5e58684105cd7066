"""A store gives back the graphs that the builder makes, one by one or as a batch."""

import pickle
from dataclasses import fields

import numpy as np
import pytest

from trialsmith.errors import DataError
from trialsmith.graph import CrystalGraph, GraphBuilder, GraphStore, Structure, build_graphs

LONELY = Structure(np.array([2]), np.zeros((1, 3)), np.eye(3) * 30.0)
NAMES = [field.name for field in fields(CrystalGraph)]


def check_equal(one: CrystalGraph, other: CrystalGraph) -> None:
    for name in NAMES:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.fixture
def crystals(known) -> list[Structure]:
    return list(known.values())


def build(crystals, folder, **options) -> GraphStore:
    return build_graphs(crystals, GraphBuilder(), folder, progress=False, **options)


def test_each_graph_is_what_the_builder_makes(crystals, tmp_path):
    for _ in range(2):  # built, then from the cache
        store = build(crystals, tmp_path)
        assert len(store) == len(crystals)
        for graph, crystal in zip(store, crystals, strict=True):
            check_equal(graph, GraphBuilder()(crystal))


def test_gather_is_the_disjoint_union(crystals, tmp_path):
    store = build(crystals, tmp_path)
    chosen = np.array([5, 0, 3, 3, 7])
    batch = store.gather(chosen)
    begin = {"atoms": 0, "bonds": 0, "angles": 0}
    for number, index in enumerate(chosen):
        graph = store[int(index)]
        end = {kind: begin[kind] + batch[kind][number] for kind in begin}
        for name in NAMES:
            kind = "atoms" if name == "species" else name.split("_")[0] + "s"
            part = batch[name][begin[kind] : end[kind]]
            if name in ("bond_source", "bond_target"):
                part = part - begin["atoms"]
            if name in ("angle_source", "angle_target"):
                part = part - begin["bonds"]
            np.testing.assert_array_equal(part, getattr(graph, name))
        begin = end
    assert all(
        begin[kind] == len(batch[name])
        for kind, name in (
            ("atoms", "species"),
            ("bonds", "bond_length"),
            ("angles", "angle_cosine"),
        )
    )


def test_an_empty_batch(crystals, tmp_path):
    batch = build(crystals, tmp_path).gather(np.zeros(0, dtype=np.int64))
    assert all(len(values) == 0 for values in batch.values())


def test_an_empty_collection(tmp_path):
    for _ in range(2):
        store = build([], tmp_path)
        assert len(store) == 0
        assert store.problems == {}


def test_equal_structures_share_a_record(crystals, tmp_path):
    store = build([crystals[0], crystals[1], crystals[0]], tmp_path)
    check_equal(store[0], store[2])
    assert list(store._arrays["record"]) == [0, 1, 0]


def test_other_content_or_parameters_are_another_record(crystals, tmp_path):
    build(crystals, tmp_path)
    build(crystals, tmp_path)
    assert len([x for x in (tmp_path / "graphs").iterdir() if x.is_dir()]) == 1
    build(crystals[1:], tmp_path)
    build_graphs(crystals, GraphBuilder(neighbours=6), tmp_path, progress=False)
    assert len([x for x in (tmp_path / "graphs").iterdir() if x.is_dir()]) == 3


def test_crystals_without_a_graph_are_named(crystals, tmp_path):
    ids = ["good", "lonely", "again"]
    with pytest.raises(DataError, match=r"lonely: atom 0 .* no neighbour") as failure:
        build([crystals[0], LONELY, LONELY], tmp_path, ids=ids)
    assert "again: atom 0" in str(failure.value)
    assert "good" not in str(failure.value)
    with pytest.raises(DataError, match=r"structure 1: "):
        build([crystals[0], LONELY, LONELY], tmp_path)


def test_crystals_without_a_graph_may_be_left_empty(crystals, tmp_path):
    store = build([LONELY, crystals[0], LONELY], tmp_path, strict=False)
    assert set(store.problems) == {0, 2}
    assert "no neighbour" in store.problems[2]
    assert len(store[0].species) == 0
    check_equal(store[1], GraphBuilder()(crystals[0]))
    assert build(crystals, tmp_path, strict=False).problems == {}


def test_pickled_by_path(crystals, tmp_path):
    store = build(crystals * 40, tmp_path)
    copy = pickle.loads(pickle.dumps(store))
    assert len(pickle.dumps(store)) < 2000
    check_equal(copy[3], store[3])


def test_out_of_range(crystals, tmp_path):
    store = build(crystals, tmp_path)
    check_equal(store[-1], store[len(store) - 1])
    with pytest.raises(IndexError):
        store[len(store)]


@pytest.mark.slow
def test_workers_make_the_same_store(known, tmp_path, capfd):
    crystal = known["quartz"]
    strained = [
        Structure(crystal.numbers, crystal.positions * s, crystal.cell * s)
        for s in np.linspace(0.9, 1.1, 150)
    ]
    strained[100] = LONELY
    alone = build(strained, tmp_path / "alone", workers=1, strict=False)
    builder = GraphBuilder()
    together = build_graphs(strained, builder, tmp_path / "two", strict=False, workers=2)
    assert "building graphs" in capfd.readouterr().err
    assert set(together.problems) == set(alone.problems) == {100}
    for one, other in zip(alone, together, strict=True):
        check_equal(one, other)
