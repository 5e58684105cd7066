"""Hashed tokens: stable, within the vocabulary, and what counts as one word."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialsmith.errors import InfeasibleConfig
from trialsmith.text import HashedTokens, NoTokens

HERE = Path()  # hashing is quick and keeps nothing


def tokens(text: str, **options) -> list[int]:
    return HashedTokens(**options)([text], HERE)[0].tolist()


@given(st.text(), st.integers(2, 100), st.integers(1, 20))
def test_ids_are_within_the_vocabulary_and_none_is_padding(text, vocabulary, longest):
    found = tokens(text, vocabulary=vocabulary, max_tokens=longest)
    assert len(found) <= longest
    assert all(0 < token < vocabulary for token in found)


@given(st.lists(st.sampled_from(["Na", "is", "bonded", "to", "six", "2.82"]), max_size=9))
def test_a_texts_tokens_are_its_words(words):
    together = tokens(" ".join(words))
    assert together == [token for word in words for token in tokens(word)]


def test_stable_between_processes():
    code = (
        "from pathlib import Path\n"
        "from trialsmith.text import HashedTokens\n"
        "print(HashedTokens()(['Na at 2.8 Å'], Path())[0].tolist())"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf8"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]
    assert runs == [str(tokens("Na at 2.8 Å"))] * 2


def test_what_is_one_word():
    assert tokens("YbNiSn2") == tokens("Yb Ni Sn 2")
    assert tokens("In") != tokens("in")
    assert tokens("2.82") == tokens("2.79") != tokens("2.91")
    assert tokens("225") != tokens("226")
    assert tokens("P-1") != tokens("P1")
    assert tokens("a, b. (c)") == tokens("a b c")


def test_shape_and_type():
    found = HashedTokens()(["", "Na Cl"], HERE)
    assert [array.shape for array in found] == [(0,), (2,)]
    assert all(array.dtype == np.int64 for array in found)
    assert HashedTokens.features is None


def test_key_has_every_parameter():
    keys = {HashedTokens().key, HashedTokens(vocabulary=64).key, HashedTokens(max_tokens=8).key}
    assert len(keys) == 3
    assert NoTokens().key not in keys


@pytest.mark.parametrize("wrong", [{"vocabulary": 1}, {"max_tokens": 0}])
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(InfeasibleConfig, match=next(iter(wrong))):
        HashedTokens(**wrong)


def test_no_tokens():
    assert [array.shape for array in NoTokens()(["much text", ""], HERE)] == [(0,), (0,)]
