"""The rule by which a configuration is taken."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialsmith.study.stages.decision import CLOSE, Candidate, decide, judged

ratios = st.one_of(st.just(math.nan), st.floats(0.1, 50))
maes = st.one_of(st.just(math.nan), st.sampled_from([0.1, 0.104, 0.105]), st.floats(0.05, 2))
groups = st.lists(st.tuples(maes, ratios, st.integers(0, 4)), max_size=8).map(
    lambda rows: [Candidate(f"c{k}", *row) for k, row in enumerate(rows)]
)


def taken(*candidates: Candidate) -> str:
    decision = decide(candidates)
    assert decision is not None
    return decision[0].label


@given(groups, st.randoms())
def test_the_order_is_of_no_account(group: list[Candidate], order: random.Random) -> None:
    other = list(group)
    order.shuffle(other)
    assert decide(group) == decide(other)


@given(groups)
def test_what_is_taken_is_close_to_the_best_and_follows_the_rule(group: list[Candidate]) -> None:
    decision = decide(group)
    known = [c for c in group if not math.isnan(c.mae)]
    if not known:
        assert decision is None
        return
    assert decision is not None
    chosen, _ = decision
    best = min(c.mae for c in known)
    close = [c for c in known if c.mae <= best * (1 + CLOSE)]
    healthy = [c for c in close if 3 <= c.ratio <= 10]
    assert chosen in close
    if len(close) == 1 or not healthy:
        assert chosen.mae == best
    else:
        assert chosen in healthy
        assert chosen.depth == min(c.depth for c in healthy)
        assert chosen.mae == min(c.mae for c in healthy if c.depth == chosen.depth)


def test_more_than_five_per_cent_apart_the_lowest_mae_is_taken() -> None:
    deep, shallow = Candidate("deep", 0.100, 20.0, 3), Candidate("shallow", 0.106, 5.0, 1)
    assert taken(deep, shallow) == "deep"


def test_within_five_per_cent_the_fewest_layers_with_a_healthy_ratio_are_taken() -> None:
    deep, ignored = Candidate("1,2,3", 0.100, 5.0, 3), Candidate("1", 0.101, 11.0, 1)
    two, far = Candidate("2,3", 0.104, 5.0, 2), Candidate("2", 0.2, 5.0, 1)
    assert taken(deep, ignored, two, far) == "2,3"


def test_without_a_healthy_ratio_the_lowest_mae_is_taken() -> None:
    graph, fused = Candidate("none", 0.100, math.nan, 0), Candidate("2", 0.101, 2.0, 1)
    assert taken(graph, fused) == "none"
    assert taken(graph, Candidate("2", 0.101, 4.0, 1)) == "2"


def test_nothing_is_taken_where_nothing_is_known() -> None:
    assert decide([]) is None
    assert decide([Candidate("2", math.nan, 5.0, 1)]) is None


@pytest.mark.parametrize(
    ("ratio", "word"),
    [
        *((2.99, "text weighs too much"), (3.0, "healthy"), (10.0, "healthy")),
        *((10.01, "text is ignored"), (math.inf, "text is ignored"), (math.nan, "—")),
    ],
)
def test_a_ratio_is_healthy_from_3_to_10(ratio: float, word: str) -> None:
    assert judged(ratio) == word
