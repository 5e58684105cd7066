"""Laws of the split and of the limit."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialsmith.data.split import PARTS, Split, limited
from trialsmith.errors import DataError

sizes = st.integers(30, 300)
seeds = st.integers(0, 2**31)


def numbered(rows: Sequence[str]) -> list[str]:
    return [f"row-{k}" for k in range(len(rows))]


def drawn(rows: int) -> tuple[list[str], list[str]]:
    """Rows without a split of their own, and their ids."""
    return [""] * rows, numbered([""] * rows)


@given(rows=sizes, seed=seeds, test=st.floats(0.05, 0.4), val=st.floats(0.05, 0.4))
def test_fractions_divide_all_rows_without_overlap(
    rows: int, seed: int, test: float, val: float
) -> None:
    parts = Split([1 - val - test, val, test], seed=seed)(*drawn(rows))
    together = np.concatenate([parts[part] for part in PARTS])
    np.testing.assert_array_equal(np.sort(together), np.arange(rows))
    assert abs(len(parts["test"]) - test * rows) <= 1
    assert abs(len(parts["val"]) - val * rows) <= 1


@given(rows=sizes, seed=seeds, counts=st.tuples(*[st.integers(1, 10)] * 3))
def test_counts_are_exact_and_do_not_overlap(
    rows: int, seed: int, counts: tuple[int, int, int]
) -> None:
    n_train, n_val, n_test = counts
    parts = Split(n_train=n_train, n_val=n_val, n_test=n_test, seed=seed)(*drawn(rows))
    assert tuple(len(parts[part]) for part in PARTS) == counts
    assert len(np.unique(np.concatenate(list(parts.values())))) == sum(counts)


counts = st.tuples(st.none() | st.integers(1, 400), *[st.none() | st.integers(1, 150)] * 2)


@given(rows=sizes, seed=seeds, counts=counts)
def test_at_most_is_the_count_or_what_there_is(
    rows: int, seed: int, counts: tuple[int | None, ...]
) -> None:
    asked = dict(zip(("n_train", "n_val", "n_test"), counts, strict=True))
    try:
        exactly = Split(**asked, seed=seed)(*drawn(rows))
    except DataError:
        exactly = None
    parts = Split(**asked, seed=seed, at_most=True)(*drawn(rows))
    taken = {f"n_{part}": len(parts[part]) for part in PARTS}
    together = np.concatenate(list(parts.values()))
    assert len(np.unique(together)) == len(together)
    assert all(0 < taken[key] <= (count or rows) for key, count in asked.items())
    if exactly is None:
        assert len(together) == rows
        return
    for part in PARTS:
        np.testing.assert_array_equal(parts[part], exactly[part])


def test_at_most_rounds_to_no_more_than_the_counts() -> None:
    parts = Split(n_train=1, n_val=2, n_test=28, at_most=True)(*drawn(30))
    assert [len(parts[part]) for part in PARTS] == [1, 2, 27]


def test_at_most_keeps_the_proportions_of_a_draw() -> None:
    parts = Split(n_train=2000, n_val=250, n_test=250, at_most=True)(*drawn(1000))
    assert [len(parts[part]) for part in PARTS] == [800, 100, 100]
    parts = Split(n_train=2000, at_most=True)(*drawn(1000))  # the rest is of the fractions
    assert [len(parts[part]) for part in PARTS] == [800, 100, 100]


@pytest.mark.parametrize(
    ("rows", "counts", "taken"),
    [
        (100, {"n_val": 80, "n_test": 80}, [80, 10, 10]),
        (100, {"n_val": 60, "n_test": 120}, [80, 7, 13]),
        (100, {"n_val": 95}, [80, 10, 10]),
        (100, {"n_val": 200, "n_test": 0}, [80, 20, 0]),
        (100, {"n_val": 50, "n_test": 49}, [1, 50, 49]),  # as it is asked for
        (3, {"n_val": 5}, [1, 1, 1]),
    ],
)
def test_at_most_leaves_its_fraction_to_train_where_the_others_would_take_all(
    rows: int, counts: dict[str, int], taken: list[int]
) -> None:
    parts = Split(**counts, at_most=True)(*drawn(rows))
    assert [len(parts[part]) for part in PARTS] == taken


@given(names=st.lists(st.sampled_from(PARTS), min_size=20, max_size=100), count=st.integers(1, 60))
def test_at_most_takes_all_of_a_given_part_that_has_fewer(names: list[str], count: int) -> None:
    names = [*PARTS, *names]
    parts = Split(n_train=count, n_val=count, n_test=0, at_most=True)(names, numbered(names))
    for part, asked in zip(PARTS, (count, count, 0), strict=True):
        assert len(parts[part]) == min(asked, names.count(part))


@given(rows=sizes, seed=seeds, n_train=st.integers(1, 20))
def test_scored_rows_do_not_depend_on_the_number_of_training_rows(
    rows: int, seed: int, n_train: int
) -> None:
    few, all_others = (Split(n_train=n, seed=seed)(*drawn(rows)) for n in (n_train, None))
    np.testing.assert_array_equal(few["val"], all_others["val"])
    np.testing.assert_array_equal(few["test"], all_others["test"])
    assert set(few["train"]) <= set(all_others["train"])


@given(rows=sizes, seed=seeds)
def test_the_seed_decides(rows: int, seed: int) -> None:
    first, again, other = (Split(seed=s)(*drawn(rows)) for s in (seed, seed, seed + 1))
    for part in PARTS:
        np.testing.assert_array_equal(first[part], again[part])
    assert any(not np.array_equal(first[part], other[part]) for part in PARTS)


@given(names=st.lists(st.sampled_from(PARTS), min_size=20, max_size=100), seed=seeds)
def test_the_split_of_the_source_is_kept(names: list[str], seed: int) -> None:
    names = [*PARTS, *names]
    parts = Split(seed=seed)(names, numbered(names))
    for part in PARTS:
        assert parts[part].tolist() == [i for i, name in enumerate(names) if name == part]
    fewer = Split(n_train=1, seed=seed)(names, numbered(names))
    assert set(fewer["train"]) <= set(parts["train"])
    np.testing.assert_array_equal(fewer["test"], parts["test"])


@given(train=st.integers(10, 200), val=st.integers(10, 50), seed=seeds, limit=st.integers(4, 60))
def test_a_limit_takes_each_part_in_proportion(train: int, val: int, seed: int, limit: int) -> None:
    names = ["train"] * train + ["val"] * val
    chosen = limited(names, numbered(names), limit, seed)
    assert len(np.unique(chosen)) == len(chosen) == min(limit, train + val)
    if limit < train + val:
        share = (chosen < train).sum() / limit
        assert abs(share - train / (train + val)) <= 1.5 / limit


@given(rows=sizes, seed=seeds, shuffle=st.randoms())
def test_the_order_of_the_file_does_not_matter(rows: int, seed: int, shuffle: Random) -> None:
    names, ids = drawn(rows)
    other = shuffle.sample(ids, rows)
    first, second = Split(seed=seed)(names, ids), Split(seed=seed)(names, other)
    for part in PARTS:
        assert {ids[i] for i in first[part]} == {other[i] for i in second[part]}


@given(rows=sizes, seed=seeds, limit=st.integers(10, 29))
def test_under_a_limit_no_test_row_was_a_training_row(rows: int, seed: int, limit: int) -> None:
    names, ids = drawn(rows)
    chosen = limited(names, ids, limit, seed)
    few = Split(seed=seed)(names[:limit], [ids[i] for i in chosen])
    every = Split(seed=seed)(names, ids)
    assert {int(chosen[i]) for i in few["test"]} <= set(every["test"].tolist())


@given(names=st.lists(st.sampled_from(PARTS), min_size=20, max_size=60), seed=seeds)
def test_a_larger_limit_keeps_the_rows_of_a_smaller_one(names: list[str], seed: int) -> None:
    small, large = (set(limited(names, numbered(names), n, seed).tolist()) for n in (8, 13))
    assert small < large
