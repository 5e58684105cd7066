"""Early stopping: patience, window and tolerance."""

import math
from typing import Any

import pytest

from trialsmith.callbacks import early_stopping
from trialsmith.callbacks.stopping import Stagnation
from trialsmith.errors import InfeasibleConfig


def epochs(values: list[float], **options: Any) -> int:
    """After how many of these values it is enough; all of them if it never is."""
    stagnation = Stagnation(**{"patience": 2, **options})
    return next((k for k, value in enumerate(values, 1) if stagnation.add(value)), len(values))


def test_a_run_ends_when_it_has_waited_for_its_patience() -> None:
    values = [5.0, 4.0, 4.5, 3.0, 3.5, 3.2, 1.0]
    assert epochs(values) == 6
    assert epochs(values, patience=3) == 7
    assert early_stopping("val/mae", "minimize", patience=None) is None


def test_what_is_better_by_no_more_than_the_tolerance_is_no_better() -> None:
    values = [1.0, 0.95, 0.9, 0.85, 0.8]
    assert epochs(values) == 5
    assert epochs(values, tolerance=0.3) == 3
    # small steps add up: compared is the best, not the value before
    assert epochs(values, tolerance=0.07) == 5


def test_the_mean_of_a_window_is_compared() -> None:
    noisy = [3.0, 1.0, 2.6, 1.2, 2.2, 1.4, 1.8, 1.0]
    assert epochs(noisy) == 4  # the lucky second epoch is never beaten
    # means of two: 2, 1.8, 1.9, 1.7, 1.8, 1.6, 1.4
    assert epochs(noisy, window=2) == 8
    # of three: 2.2, 1.6, 2, 1.6, 1.8: from the fourth epoch's on, two that are no better
    assert epochs(noisy, window=3) == 6
    assert epochs([1.0] * 20, window=7, patience=5) == 12  # the first mean is there after seven


def test_a_value_that_is_no_number_is_no_better() -> None:
    assert epochs([1.0, math.nan, math.nan, 0.5]) == 3
    assert epochs([1.0, math.nan, 0.5, 0.4, 0.3, 0.2]) == 6


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"patience": 0}, r"early_stopping\.patience=0 must be at least 1"),
        ({"window": 0}, r"early_stopping\.window=0"),
        ({"tolerance": -0.1}, r"early_stopping\.tolerance=-0.1"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InfeasibleConfig, match=words):
        early_stopping("val/mae", "minimize", **{"patience": 1, **options})
