"""Controls: texts given to other crystals, or taken away, and nothing else changed."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from crystal_csv import cif, good_rows
from hypothesis import given
from hypothesis import strategies as st

from trialsmith.data import CrystalData
from trialsmith.data.text_control import exchange, shuffled
from trialsmith.errors import DataError

Open = Callable[..., CrystalData]
Write = Callable[..., Path]


@given(texts=st.lists(st.sampled_from("abcde"), max_size=30), seed=st.integers(0, 2**32))
def test_as_few_as_possible_keep_their_text(texts: list[str], seed: int) -> None:
    order = exchange(texts, np.random.default_rng(seed))
    assert sorted(order) == list(range(len(texts)))
    most = max(Counter(texts).values(), default=0)
    kept = sum(texts[i] == text for i, text in zip(order, texts, strict=True))
    assert kept == max(0, 2 * most - len(texts))


@given(size=st.integers(2, 40), seed=st.integers(0, 2**32))
def test_different_texts_are_all_exchanged(size: int, seed: int) -> None:
    order = exchange([str(i) for i in range(size)], np.random.default_rng(seed))
    assert not any(order == np.arange(size))


def test_a_text_goes_to_every_other_crystal_equally_often() -> None:
    counts = np.zeros((5, 5))
    for seed in range(2000):
        counts[np.arange(5), exchange("abcde", np.random.default_rng(seed))] += 1
    assert not counts.diagonal().any()
    others = counts[~np.eye(5, dtype=bool)]
    assert np.abs(others / 2000 - 1 / 4).max() < 0.05  # five standard deviations


def test_no_text_leaves_its_part() -> None:
    texts = [str(i) for i in range(12)]
    parts = {"train": np.arange(2, 8), "val": np.array([0, 9]), "test": np.array([1, 10, 11])}
    order = shuffled(texts, parts, seed=3)
    for rows in parts.values():
        assert sorted(order[rows]) == sorted(rows)
        assert not any(order[rows] == rows)
    assert order[8] == 8  # of no part


def test_texts_that_cannot_be_told_apart_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    shuffled(["same"] * 4 + ["other"], {"train": np.arange(5)}, seed=0)
    assert "3 of 5 crystals keep their text, for more than half of a part" in caplog.text
    caplog.clear()
    parts = {"train": np.arange(3), "val": np.array([3]), "test": np.array([], int)}
    assert sorted(shuffled(list("abcd"), parts, 0)[:3]) == [0, 1, 2]
    assert "1 of 4 crystals keep their text, for val has one crystal only" in caplog.text


def tokens_of(data: CrystalData) -> dict[str, Sequence[int]]:
    """Each crystal's tokens by its id, as a model sees them."""
    found = {}
    for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader()):
        for batch in loader:
            for i, name in enumerate(batch.ids):
                found[name] = batch.tokens[i][batch.token_mask[i]].tolist()
    return found


@pytest.mark.parametrize("describe", ["never", "always"])
def test_shuffled_texts_are_the_same_ones_at_other_crystals(
    write: Write, open_data: Open, describe: str
) -> None:
    rows = [[name, cif(a=4 + 0.2 * i), *rest] for i, (name, _, *rest) in enumerate(good_rows(12))]
    path = write(rows)  # which the describer tells apart
    own = tokens_of(open_data(path, describe=describe))
    other = tokens_of(open_data(path, describe=describe, texts="shuffled", text_seed=1))
    again = tokens_of(open_data(path, describe=describe, texts="shuffled", text_seed=1))
    third = tokens_of(open_data(path, describe=describe, texts="shuffled", text_seed=2))
    assert own.keys() == other.keys()
    assert sorted(own.values()) == sorted(other.values())
    assert not any(own[name] == other[name] for name in own)
    assert other == again != third


def test_removed_texts_leave_no_token_and_the_same_crystals(write: Write, open_data: Open) -> None:
    path = write(good_rows())
    data, without = open_data(path), open_data(path, texts="removed")
    assert not any(tokens_of(without).values())
    assert without.fingerprint == data.fingerprint  # their scores are compared


def test_another_word_is_refused(write: Write, open_data: Open) -> None:
    with pytest.raises(DataError, match="texts=mixed must be one of given, shuffled, removed"):
        open_data(write(good_rows()), texts="mixed")
