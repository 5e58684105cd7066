"""The live table of `trialsmith status --watch`."""

import io
from datetime import datetime
from pathlib import Path

import optuna
import pytest
from rich.console import Console
from study_examples import begin, search

from trialsmith.search import ownership
from trialsmith.study import live
from trialsmith.study.table import StudyTable, read


def drawn(table: StudyTable, lines: int) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(live.screen(table, lines, datetime.now()))
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("lines", [12, 24, 100])
def test_it_fits_the_terminal_and_shows_the_best(conditional: optuna.Study, lines: int) -> None:
    table = read(conditional)
    text = drawn(table, lines)
    assert len(text.splitlines()) <= max(lines, 8)
    assert f"(trial {conditional.best_trial.number})" in text
    firsts = [line.split()[0] for line in text.splitlines() if line.strip()]
    assert str(conditional.best_trial.number) in firsts


def test_it_goes_on_as_long_as_somebody_searches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = begin(tmp_path / "s")
    search(study, 2)
    assert not live.is_searched(read(study))
    trial = study.ask()
    trial.set_user_attr("owner", ownership.me())
    trial.report(0.75, 2)
    assert live.is_searched(read(study))
    assert "epoch 3: 0.75 eV" in drawn(read(study), 24)

    looks = 0

    def look() -> StudyTable:
        nonlocal looks
        looks += 1
        if looks == 3:  # the search is killed
            trial.set_user_attr("owner", f"{ownership.host(ownership.me())}:1:1")
        return read(study)

    monkeypatch.setattr(live, "PERIOD", 0.0)
    live.watch(look, Console(file=io.StringIO()))
    assert 3 <= looks <= 5
