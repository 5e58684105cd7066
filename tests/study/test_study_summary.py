"""The last screen."""

from pathlib import Path

import optuna
from rich.console import Console
from study_examples import begin, search

from trialsmith.search import ownership
from trialsmith.study.summary import abandoned, last_screen
from trialsmith.study.table import read


def screen(study: optuna.Study, folder: str, again: str | None = None) -> str:
    console = Console(width=160)
    with console.capture() as capture:
        console.print(last_screen(read(study), Path(folder), again))
    return capture.get()


def test_it_names_the_best_and_what_to_do_next(conditional: optuna.Study) -> None:
    text = screen(conditional, "multirun/a b", "python train.py -m hparams_search=x")
    best = conditional.best_trial
    assert f"Best val/mae: {best.value:.4g} eV (trial {best.number})" in text
    for key, value in best.user_attrs["params"].items():
        shown = f"{value:.6g}" if isinstance(value, float) else str(value)
        assert any(key in line and shown in line for line in text.splitlines())
    assert "tensorboard --logdir 'multirun/a b'" in text
    assert "trialsmith report 'multirun/a b'" in text
    assert "python train.py -m hparams_search=x" in text
    assert "3 failed (3 diverged)" in text


def test_markup_in_values_is_text() -> None:
    study = optuna.create_study()
    trial = study.ask()
    trial.suggest_categorical("[bold]key[/bold]", ["[red]value[/red]", "[/"])
    study.tell(trial, 1.0)
    assert "[bold]key[/bold]" in screen(study, "x")


def test_a_study_without_a_result_says_so(tmp_path: Path) -> None:
    assert "No trials yet" in screen(begin(tmp_path / "none"), "x")
    failed = begin(tmp_path / "failed")
    search(failed, 2, fails=lambda k: True)
    assert "No trial is complete yet" in screen(failed, "x")


def test_several_objectives_show_the_front(tmp_path: Path) -> None:
    study = begin(tmp_path / "pareto", ["minimize", "maximize"])
    search(study, 20)
    text = screen(study, "x")
    assert f"{len(study.best_trials)} solutions" in text
    for trial in study.best_trials:
        assert f"{trial.values[0]:.4g}" in text


def test_trials_whose_sweeper_is_gone_are_named() -> None:
    study = optuna.create_study()
    gone = f"{ownership.host(ownership.me())}:1:1"  # of process 1, begun at another time
    for owner in (gone, gone, ownership.me(), "elsewhere:7:1"):
        study.ask().set_user_attr("owner", owner)
    study.ask()  # just being taken
    told = abandoned(read(study))
    assert told.startswith(f"Trials 0, 1 of {ownership.host(ownership.me())}:1 no longer run")
    assert len(told.splitlines()) == 1
