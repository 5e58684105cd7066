"""The display says what the search's state says, and leaves the terminal as it was."""

import io
import logging
import sys

import pytest
from rich.console import Console

from trialsmith.study.progress import (
    EndedTrial,
    LineProgress,
    LiveProgress,
    RunningTrial,
    SearchState,
    ended_line,
    progress,
)

STATE = SearchState(
    total=50,
    complete=9,
    pruned=3,
    failed=1,
    running=(RunningTrial(13, seconds=65.0, epoch=4, value=0.25), RunningTrial(14, seconds=1.0)),
    earlier=2,
    seconds=100.0,
    best_value=0.123456,
    best_trial=0,
    unit="eV",
    ended=EndedTrial(12, "pruned", value=0.5, epoch=11),
)


def terminal(**options: object) -> Console:
    return Console(file=io.StringIO(), width=120, **options)  # type: ignore[arg-type]


def test_a_line_tells_of_the_trial_and_of_the_search() -> None:
    assert ended_line(STATE) == (
        "trial 12 pruned at epoch 11: 0.5 eV | best 0.1235 eV in trial 0 | "
        "12/50 done, 2 running, 3 pruned, 1 failed, 6:20 left"
    )


def test_time_left_counts_only_this_invocation_s_trials() -> None:
    # ten trials in 100 s, 38 to go; two earlier trials cost this invocation nothing
    assert STATE.expected_seconds == pytest.approx(380)


def test_time_left_is_within_the_timeout_and_unknown_at_first() -> None:
    assert SearchState(total=5).expected_seconds is None
    assert SearchState(total=5, complete=2, earlier=2, seconds=9.0).expected_seconds is None
    assert SearchState(total=5, seconds_left=7.0).expected_seconds == 7
    late = SearchState(total=50, complete=1, seconds=60.0, seconds_left=7.0)
    assert late.expected_seconds == 7
    assert SearchState(total=2, complete=3, seconds=3.0).expected_seconds == 0


def test_where_the_output_goes_decides_the_display() -> None:
    assert isinstance(progress("s", console=terminal()), LineProgress)
    assert isinstance(progress("s", console=terminal(force_terminal=True)), LiveProgress)


def test_lines_are_for_trials_that_ended(caplog: pytest.LogCaptureFixture) -> None:
    failed = SearchState(total=5, failed=1, ended=EndedTrial(0, "out_of_memory", message="12 GB"))
    with caplog.at_level(logging.INFO), LineProgress() as display:
        display.update(SearchState(total=5))
        display.update(STATE)
        display.update(failed)
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING"]
    assert "trial 0 out of memory (12 GB) | no best yet | 0/5 done" in caplog.text


def test_the_live_display_shows_counts_best_and_running_trials() -> None:
    console = terminal(force_terminal=True)
    with LiveProgress("[red]study[/red]", console) as display:
        display.update(STATE)
        display.refresh()
        shown = console.file.getvalue()  # type: ignore[attr-defined]
    for words in ("[red]study[/red]", "12/50 done", "best 0.1235 eV in trial 0", "trial 13, 1:05"):
        assert words in shown


def test_the_live_display_gives_the_terminal_back(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = logging.StreamHandler(sys.__stdout__)
    root = logging.getLogger()
    root.addHandler(handler)
    stdout = sys.stdout
    try:
        with LiveProgress("study", console=terminal(force_terminal=True)):
            assert handler.stream is sys.stdout
        assert sys.stdout is stdout
        assert handler.stream is sys.__stdout__
    finally:
        root.removeHandler(handler)
