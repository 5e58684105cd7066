"""Numbers found in lines of output."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialsmith.command.failure import CommandFailed
from trialsmith.command.pattern import Pattern, Reading
from trialsmith.command.scores import Reporter, Scores
from trialsmith.errors import SearchError

STEP = r"epoch (?P<step>\d+) loss (?P<value>\S+)"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_is_read_as_it_was_printed(number):
    (reading,) = Pattern("metric", "score: ([-+0-9.eE]+)").readings(f"the score: {number!r}, done")
    assert reading == Reading(number, None)


def test_a_step_is_read_beside_its_value_wherever_it_stands():
    (first,) = Pattern("x", STEP).readings("epoch 3 loss 0.5")
    (second,) = Pattern("x", r"loss (\S+) at (?P<step>\d+)").readings("loss 0.5 at 3")
    assert first == second == Reading(0.5, 3)


def test_a_line_may_hold_several():
    assert [r.value for r in Pattern("x", r"l=(\d)").readings("l=1 l=2")] == [1.0, 2.0]


def test_nan_is_a_number_and_a_word_is_not():
    (reading,) = Pattern("metric", r"score: (\S+)").readings("score: nan")
    assert math.isnan(reading.value)
    with pytest.raises(CommandFailed, match=r"matched 'high' in the line 'score: high'"):
        list(Pattern("metric", r"score: (\S+)").readings("score: high"))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("score: [0-9]+", "no group for the value"),
        (r"epoch (?P<step>\d+)", "no group for the value"),
        (r"(\d) (\d)", "has 2 groups"),
        ("score: ([0-9+", "not a regular expression"),
    ],
)
def test_a_pattern_that_leaves_open_what_the_value_is_is_refused(text, answer):
    with pytest.raises(SearchError, match=f"intermediate=.*{answer}"):
        Pattern("intermediate", text)


@pytest.mark.parametrize(("better", "score"), [(None, 0.3), (min, 0.1), (max, 0.9)])
def test_of_several_matches_the_last_or_the_best_is_the_score(better, score):
    scores = Scores([Pattern("metric", r"score: (\S+)")], better)
    for line in ("score: 0.9", "nothing", "score: 0.1", "score: 0.3"):
        scores.read(line)
    assert (scores.missing, scores.values) == ([], [score])


@pytest.mark.parametrize(("better", "score"), [(None, 0.3), (min, 0.1), (max, 0.3)])
@pytest.mark.parametrize("values", [("nan", "0.1", "0.3"), ("0.1", "nan", "0.3")])
def test_nan_is_never_the_best(values, better, score):
    scores = Scores([Pattern("metric", r"score: (\S+)")], better)
    for value in values:
        scores.read(f"score: {value}")
    assert scores.values == [score]


@pytest.mark.parametrize("step", ["nan", "1e400", "-1"])
def test_a_step_is_a_whole_number(step):
    with pytest.raises(CommandFailed, match="which is no step"):
        list(Pattern("x", r"(?P<step>\S+) loss (?P<value>\S+)").readings(f"{step} loss 3"))


class Trial:
    def __init__(self) -> None:
        self.reports: list[tuple[int, float]] = []

    def report(self, value: float, step: int) -> None:
        self.reports.append((step, value))


def test_a_step_is_reported_once_and_counted_where_it_is_not_said():
    said, counted = Trial(), Trial()
    with_step = Reporter(Pattern("x", STEP), said)
    without = Reporter(Pattern("x", r"loss (\S+)"), counted)
    for line in ("epoch 2 loss 0.5", "epoch 2 loss 0.4", "epoch 4 loss 0.3"):
        with_step.read(line)
        without.read(line)
    assert said.reports == [(1, 0.5), (3, 0.3)]  # the second epoch and the fourth
    assert counted.reports == [(0, 0.5), (1, 0.4), (2, 0.3)]


@pytest.mark.parametrize("first", [0, 1])
def test_a_program_that_counts_from_1_has_as_many_epochs_as_it_prints(first):
    trial = Trial()
    reporter = Reporter(Pattern("x", STEP), trial)
    for epoch in range(5):
        reporter.read(f"epoch {epoch + first} loss 0.5")
    assert [step for step, _ in trial.reports] == [0, 1, 2, 3, 4]


def test_no_step_is_below_0_where_a_second_phase_counts_from_0():
    trial = Trial()
    reporter = Reporter(Pattern("x", STEP), trial)
    for epoch in (1, 2, 0, 1, 2, 3):
        reporter.read(f"epoch {epoch} loss 0.5")
    assert [step for step, _ in trial.reports] == [0, 1, 2]
