"""A run of a program: its score, its record, and the ways in which it fails."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from optuna import TrialPruned

from trialsmith.command import Command
from trialsmith.command.failure import CommandFailed
from trialsmith.errors import Diverged, InfeasibleConfig, SearchError
from trialsmith.search.outcome import TrialLost, outcome_of

SCORE = r"score: (\S+)"
LOSS = r"epoch (?P<step>\d+) loss (?P<value>\S+)"
EPOCHS = """
for e in 0 1 2 3 4 5 6 7 8 9; do echo "epoch $e loss "{x}; sleep {pause}; done
echo score: {x}
"""


class Trial:
    """A trial that is pruned at a step, or lost to everybody."""

    def __init__(self, pruned_at: int = 99, lost: bool = False, **parameters: Any) -> None:
        self.parameters = parameters
        self.reports: list[tuple[int, float]] = []
        self.attributes: dict[str, Any] = {}
        self._pruned_at = pruned_at
        self._lost = lost

    def report(self, value: float, step: int) -> None:
        self.reports.append((step, value))
        if step >= self._pruned_at:
            raise TrialPruned

    def check_wanted(self) -> None:
        if self._lost:
            raise TrialLost("gone")

    def annotate(self, **attributes: Any) -> None:
        self.attributes |= attributes


def run(command: Command, folder: Path, trial: Trial | None = None, written: str = "", **values):
    return command.run(values, written, folder, trial)


def record(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "command.json").read_text())


def test_a_run_leaves_its_record(tmp_path):
    score = run(Command("echo score: {x}", SCORE), tmp_path, x=0.25)
    assert score == 0.25
    kept = record(tmp_path)
    assert kept.pop("seconds") > 0
    assert kept == {"command": "echo score: 0.25", "exit_code": 0, "score": 0.25}
    assert (tmp_path / "stdout.log").read_text() == "score: 0.25\n"
    assert yaml.safe_load((tmp_path / "config.yaml").read_text()) == {"x": 0.25}
    assert "versions" in yaml.safe_load((tmp_path / "provenance.yaml").read_text())


def test_several_metrics_are_several_objectives(tmp_path):
    command = Command("echo loss {x} size {y}", [r"loss (\S+)", r"size (\S+)"])
    assert run(command, tmp_path, x=0.5, y=3) == [0.5, 3.0]


@pytest.mark.parametrize(("direction", "score"), [("minimize", 1.0), ("maximize", 3.0)])
def test_the_best_of_several_matches_follows_the_direction(tmp_path, direction, score):
    command = Command(
        "printf 'score: %d\n' 2 1 3 2", SCORE, metric_from="best", direction=direction
    )
    assert run(command, tmp_path) == score


def test_values_on_the_way_are_reported(tmp_path):
    trial = Trial(x=0.5)
    command = Command(EPOCHS, SCORE, intermediate=LOSS, shell=True)
    assert run(command, tmp_path, trial, x=0.5, pause=0) == 0.5
    assert trial.reports == [(epoch, 0.5) for epoch in range(10)]
    assert trial.attributes == {"command": record(tmp_path)["command"], "exit_code": 0}


def test_a_pruned_program_is_ended_at_once(tmp_path):
    trial = Trial(pruned_at=2)
    command = Command(EPOCHS, SCORE, intermediate=LOSS, shell=True)
    with pytest.raises(TrialPruned):
        run(command, tmp_path, trial, x=0.5, pause=0.3)
    assert [step for step, _ in trial.reports] == [0, 1, 2]
    assert record(tmp_path)["exit_code"] == trial.attributes["exit_code"] == -15
    assert record(tmp_path)["seconds"] < 2.5


def test_a_program_beyond_its_time_is_infeasible(tmp_path):
    command = Command("sh -c 'echo so far; sleep 600'", SCORE, time_limit=3.0)
    with pytest.raises(InfeasibleConfig, match=r"time_limit=3(.|\n)*stdout.log:\n  so far"):
        run(command, tmp_path)
    assert record(tmp_path)["score"] is None


def test_a_program_whose_sweep_is_gone_is_ended(tmp_path):
    with pytest.raises(TrialLost):
        run(Command("sleep 600", SCORE), tmp_path, Trial(lost=True))


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("sh -c 'echo on; echo no data >&2; exit 3'", r"exit code 3(.|\n)* on\n(.|\n)*no data"),
        ("sh -c 'echo a; kill -11 $$'", r"killed by SIGSEGV(.|\n)*\n  a"),
        ("echo loss: 3", r"score: .* matches no line of (.|\n)*\n  loss: 3"),
        ("true", "matches no line of .* it printed nothing"),
        ("echo score: high", "'high' in the line 'score: high', which is not a number"),
    ],
)
def test_a_program_without_a_score_fails_with_its_last_words(tmp_path, command, answer):
    with pytest.raises(CommandFailed, match=answer):
        run(Command(command, SCORE), tmp_path)


@pytest.mark.parametrize("number", ["nan", "1e400", "-inf"])
def test_a_score_that_is_no_number_is_none(tmp_path, number):
    # a single run must not end as if all were well
    with pytest.raises(Diverged, match=r"score: .* is (nan|inf|-inf) in the end"):
        run(Command(f"echo score: {number}", SCORE), tmp_path)
    assert record(tmp_path)["score"] is None


@pytest.mark.parametrize(
    ("command", "failure"),
    [
        ("sh -c 'kill -9 $$'", "out_of_memory"),
        ("echo score: nan", "diverged"),
        ("false", "error"),
    ],
)
def test_each_end_counts_as_what_it_is_for_the_search(tmp_path, command, failure):
    outcome = outcome_of(lambda: run(Command(command, SCORE), tmp_path))
    assert (outcome.failure, outcome.fatal) == (failure, False)


def test_what_every_trial_would_meet_ends_the_search(tmp_path):
    assert outcome_of(lambda: run(Command("no-such-program", SCORE), tmp_path)).fatal


def test_a_parameter_that_the_command_does_not_use_is_refused(tmp_path):
    command = Command("echo score: {x} {opt.lr}", SCORE)
    values = {"x": 1, "opt": {"lr": 2}, "depth": 3}
    with pytest.raises(SearchError, match="depth is searched, and the command does not use it"):
        run(command, tmp_path, Trial(**{"x": 1, "+depth": 3}), **values)
    # a mapping is used by its parts, another by the keys that follow it
    followed = Trial(x=1, opt={"lr": 2}, depth=3)
    assert run(command, tmp_path, followed, "y: ${eval:2*${depth}}", **values) == 1.0


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ({"metric_from": "first"}, "metric_from=first must be last or best"),
        ({"time_limit": 0.0}, "time_limit=0.0 must be positive"),
        ({"metric": [SCORE, SCORE], "metric_from": "best"}, "for one metric"),
    ],
)
def test_settings_that_cannot_be_are_refused(arguments, answer):
    with pytest.raises(SearchError, match=answer):
        Command(**{"command": "true", "metric": SCORE, **arguments})
