"""The command line of a study: what it prints, and clean errors."""

import subprocess
import sys
from pathlib import Path

import optuna
import pytest
import yaml
from typer.testing import CliRunner

from trialsmith.cli import app

run = CliRunner()


@pytest.fixture
def place(conditional: optuna.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that a user stands in, with `multirun/conditional` under it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_report_writes_the_files_and_shows_the_result(
    conditional: optuna.Study, place: Path
) -> None:
    for study in ("conditional", "multirun/conditional"):
        done = run.invoke(app, ["report", study])
        assert done.exit_code == 0, done.output
        assert f"{conditional.best_value:.4g} eV" in done.output
    assert (place / "multirun/conditional/optimization_history.html").is_file()


def test_status_lists_every_trial(place: Path) -> None:
    done = run.invoke(app, ["status", "conditional"])
    assert done.exit_code == 0, done.output
    lines = [line.split()[:2] for line in done.output.splitlines()]
    assert lines[8:11] == [["7", "diverged"], ["8", "complete"], ["9", "pruned"]]


def test_status_of_a_trial_gives_its_folder(place: Path) -> None:
    done = run.invoke(app, ["status", "conditional", "--trial", "3"])
    assert yaml.safe_load(done.output)["folder"] == "multirun/conditional/2025-11-21/12-00-00/3"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["report", "conditonal"], "did you mean conditional?"),
        (["status", "conditional", "--trial", "40"], "it has trials 0 to 39"),
        (["status", "conditional", "--storage", "journal:///gone"], "there is no file /gone"),
    ],
)
def test_errors_are_one_line(arguments: list[str], words: str, place: Path) -> None:
    done = run.invoke(app, arguments)
    assert done.exit_code == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_folder_that_cannot_be_written_is_told_in_a_line(place: Path) -> None:
    (place / "multirun/conditional/report.html").mkdir()
    done = run.invoke(app, ["report", "conditional"])
    assert done.exit_code == 1
    assert "cannot be written" in done.stderr
    assert "trialsmith status conditional" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(place.glob("multirun/conditional/.*.tmp")) == []


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, trialsmith.cli; print({'optuna', 'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
