"""Who is silent for too long, by a clock of the test's own."""

import errno

import pytest

from trialsmith.search.outcome import outcome_of_error
from trialsmith.search.stalls import Stalls


def test_a_trial_stalls_when_its_reports_stand_still_for_longer_than_the_limit() -> None:
    now = 0.0
    stalls = Stalls(3.0, clock=lambda: now)
    assert stalls({1: 0, 2: 0}) == []
    now = 2.5
    assert stalls({1: 1, 2: 0}) == []
    now = 3.5
    assert stalls({1: 1, 2: 0}) == [2]
    now = 6.0
    assert stalls({1: 1, 3: 0}) == [1]  # 2 was ended, 3 has begun
    now = 6.5
    assert stalls({1: 1}) == [1]
    assert stalls({3: 0}) == []  # who comes again is heard anew


def test_time_in_which_the_sweep_was_away_is_nobodys_silence() -> None:
    now = 0.0
    stalls = Stalls(10.0, clock=lambda: now)
    stalls({1: 0})
    now = 4.0
    assert stalls({1: 0}) == []
    now = 3604.0  # the sweep was stopped, or waited for its storage
    assert stalls({1: 0}) == []
    now = 3606.0
    assert stalls({1: 0}) == [1]


def test_without_a_limit_nobody_stalls() -> None:
    now = 0.0
    stalls = Stalls(None, clock=lambda: now)
    stalls({1: 0})
    now = 1e9
    assert stalls({1: 0}) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_disk_that_takes_no_more_ends_the_search_with_the_way_on(number: int) -> None:
    outcome = outcome_of_error(OSError(number, "no", "a file"))
    assert outcome.fatal
    assert "give the same command again" in outcome.message
    assert not outcome_of_error(OSError(errno.ENOENT, "no", "a file")).fatal
