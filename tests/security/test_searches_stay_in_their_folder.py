"""Whole searches by the command line, with names and configurations that mean harm."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hydra_plugins.trialsmith_sweeper._naming import LONGEST, sanitised

NAMES = ["../../x", "/etc/x", "..", "", "a\nb", "a\0b", "x" * 5000, "é" * 200, "-rf", "\ud800", "‥"]


@given(st.text(st.characters()))
@example("a/../b")
@example("-rf")
def test_a_studys_name_is_the_name_of_one_folder(text: str) -> None:
    name = sanitised(text)
    assert (Path("/multirun") / name).parent == Path("/multirun")
    assert not name.startswith((".", "-"))
    assert "/" not in name
    assert name.isprintable()
    assert 0 < len(name.encode()) <= LONGEST
    assert sanitised(name) == name


@pytest.mark.parametrize("text", NAMES)
def test_known_tricks_with_names(text: str) -> None:
    test_a_studys_name_is_the_name_of_one_folder.hypothesis.inner_test(text)


@pytest.mark.slow
def test_a_search_stays_in_its_folder_whatever_its_name(app) -> None:
    before = set(app.folder.iterdir())
    app.search(
        "hparams_search=plain", "hydra.sweeper.n_trials=1", "hydra.sweeper.study_name=../../x"
    )
    assert {path.name for path in set(app.folder.iterdir()) - before} <= {"multirun", "__pycache__"}
    assert not (app.folder.parent / "x").exists()
    assert app.states("x") == {"COMPLETE": 1}


HARM = {
    "a callback of Hydra": "callbacks: {evil: {_target_: os.system, command: touch owned}}",
    "a handler of a log": "job_logging: {handlers: {evil: {(): os.system, command: touch owned}}}",
    "a class of a log": "hydra_logging: {handlers: {evil: {class: subprocess.Popen, args: touch}}}",
    "a launcher": "launcher: {_target_: os.system}",
    "a sampler": "sweeper: {sampler: {_target_: os.system, command: touch owned}}",
    "a pruner": "sweeper: {pruner: {_target_: subprocess.Popen, args: [touch, owned]}}",
    "a stage": "sweeper: {stage: {_target_: os.system, command: touch owned}}",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HARM)
def test_nothing_under_hydra_runs_what_it_names(app, name: str) -> None:
    text = f"# @package _global_\nhydra:\n  {HARM[name]}\n"
    (app.folder / "conf" / "part" / "evil.yaml").write_text(text)
    process = app.start("+part@_global_=evil", "hparams_search=plain", "hydra.sweeper.n_trials=1")
    output, _ = process.communicate(timeout=60)
    # processes of this machine are our own slots: no launcher is built for them
    assert process.returncode != 0 or name == "a launcher", output
    assert not (app.folder / "owned").exists()
