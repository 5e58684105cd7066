"""Laws of the split and of the limit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trialsmith.data.split import PARTS, Split, limited

sizes = st.integers(30, 300)
seeds = st.integers(0, 2**31)


@given(rows=sizes, seed=seeds, test=st.floats(0.05, 0.4), val=st.floats(0.05, 0.4))
def test_fractions_divide_all_rows_without_overlap(
    rows: int, seed: int, test: float, val: float
) -> None:
    parts = Split([1 - val - test, val, test], seed=seed)([""] * rows)
    together = np.concatenate([parts[part] for part in PARTS])
    np.testing.assert_array_equal(np.sort(together), np.arange(rows))
    assert abs(len(parts["test"]) - test * rows) <= 1
    assert abs(len(parts["val"]) - val * rows) <= 1


@given(rows=sizes, seed=seeds, counts=st.tuples(*[st.integers(1, 10)] * 3))
def test_counts_are_exact_and_do_not_overlap(
    rows: int, seed: int, counts: tuple[int, int, int]
) -> None:
    n_train, n_val, n_test = counts
    parts = Split(n_train=n_train, n_val=n_val, n_test=n_test, seed=seed)([""] * rows)
    assert tuple(len(parts[part]) for part in PARTS) == counts
    assert len(np.unique(np.concatenate(list(parts.values())))) == sum(counts)


@given(rows=sizes, seed=seeds, n_train=st.integers(1, 20))
def test_scored_rows_do_not_depend_on_the_number_of_training_rows(
    rows: int, seed: int, n_train: int
) -> None:
    few, all_others = (Split(n_train=n, seed=seed)([""] * rows) for n in (n_train, None))
    np.testing.assert_array_equal(few["val"], all_others["val"])
    np.testing.assert_array_equal(few["test"], all_others["test"])
    assert set(few["train"]) <= set(all_others["train"])


@given(rows=sizes, seed=seeds)
def test_the_seed_decides(rows: int, seed: int) -> None:
    first, again, other = (Split(seed=s)([""] * rows) for s in (seed, seed, seed + 1))
    for part in PARTS:
        np.testing.assert_array_equal(first[part], again[part])
    assert any(not np.array_equal(first[part], other[part]) for part in PARTS)


@given(names=st.lists(st.sampled_from(PARTS), min_size=20, max_size=100), seed=seeds)
def test_the_split_of_the_source_is_kept(names: list[str], seed: int) -> None:
    names = [*PARTS, *names]
    parts = Split(seed=seed)(names)
    for part in PARTS:
        assert parts[part].tolist() == [i for i, name in enumerate(names) if name == part]
    fewer = Split(n_train=1, seed=seed)(names)
    assert set(fewer["train"]) <= set(parts["train"])
    np.testing.assert_array_equal(fewer["test"], parts["test"])


@given(train=st.integers(10, 200), val=st.integers(10, 50), seed=seeds, limit=st.integers(4, 60))
def test_a_limit_takes_each_part_in_proportion(train: int, val: int, seed: int, limit: int) -> None:
    names = ["train"] * train + ["val"] * val
    chosen = limited(names, limit, seed)
    assert len(np.unique(chosen)) == len(chosen) == min(limit, train + val)
    if limit < train + val:
        share = (chosen < train).sum() / limit
        assert abs(share - train / (train + val)) <= 1.5 / limit
