"""Searches of other programs by `train.py`, as a user starts them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import psutil
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from hydra_plugins.trialsmith_sweeper import as_texts
from trialsmith.search.storage import open_storage, storage_url

TRAIN = Path(__file__).resolve().parents[2] / "train.py"
PATTERNS = (
    r"metric=score: ([-+0-9.eE]+)",
    r"intermediate=epoch (?P<step>\d+) loss (?P<value>[-+0-9.eE]+)",
)

# the minimum is at lr=0.5; far from it the loss is larger from the first epoch on
DESCEND = r"""
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    double away = atof(argv[2]) - 0.5;
    for (int epoch = 0; epoch < 9; epoch++) {
        printf("epoch %d loss %g\n", epoch, away * away + 1.0 / (epoch + 1));
        fflush(stdout);
    }
    printf("score: %.17g\n", away * away);
    return argc != 3;
}
"""

# a child of its own session, one that hears no SIGTERM, and the program's work
FAMILY = """#!/bin/sh
setsid sleep 600 &
(trap '' TERM; while :; do sleep 600; done) &
for epoch in $(seq 0 9999); do echo "epoch $epoch loss $1"; sleep 0.1; done
"""


@pytest.fixture
def folder(tmp_path):
    yield tmp_path.resolve()
    for process in living(tmp_path):
        process.kill()


def living(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            here = process.cwd() == str(folder.resolve())
            if here and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
    return found


def start(folder: Path, *overrides: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, str(TRAIN), *overrides],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(folder: Path, *overrides: str, code: int = 0) -> str:
    process = start(folder, *overrides)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == code, output
    return output


def trials(folder: Path, storage: str = "journal") -> list[optuna.trial.FrozenTrial]:
    open_storage.cache_clear()
    url = storage_url(storage, folder / "multirun" / "command")
    return optuna.load_study(study_name="command", storage=open_storage(url)).trials


def wait_until(ready, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_text_on_the_command_line_needs_no_quotes_of_hydra(text):
    text = f"run {text}"  # such as begin with a quote are Hydra's
    (argument,) = as_texts([f"command={text}"], "command")
    override = OverridesParser.create().parse_override(argument)
    assert (override.value(), override.is_sweep_override()) == (text, False)


@pytest.mark.parametrize(
    "argument",
    ["metric=['a (.)','b (.)']", 'metric="a (.)"', "metric=null", "metric=choice('a','b')", "-m"],
)
def test_what_hydra_reads_as_more_than_a_text_stays(argument):
    assert as_texts([argument, "lr=0.1"], "metric") == [argument, "lr=0.1"]


@pytest.mark.parametrize("text", ["true", "5", "a,b", "{lr}", "score: ([0-9]+)"])
def test_nothing_else_is_anything_but_a_text(text):
    (argument,) = as_texts([f"metric={text}"], "metric")
    assert OverridesParser.create().parse_override(argument).value() == text


def test_a_single_run_needs_no_torch(folder):
    words = ["task=command", "command=echo score: {x}", PATTERNS[0], "+x=0.25"]
    check = f"""
import runpy, sys
sys.argv = ["train.py", *{words!r}]
runpy.run_path({str(TRAIN)!r}, run_name="__main__")
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", check], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "score 0.25" in done.stdout


@pytest.mark.slow
def test_ctrl_c_ends_a_single_run_without_a_traceback(folder):
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        pytest.skip("the signal is ignored here and in every child, as under nohup")
    process = start(folder, "task=command", "command=sleep 600", PATTERNS[0])
    wait_until(lambda: any("sleep" in p.name() for p in living(folder)), 30)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in output) == (130, False), output
    assert living(folder) == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is at hand")
def test_a_c_program_is_searched_and_pruned(folder):
    (folder / "descend.c").write_text(DESCEND)
    subprocess.run(["cc", "-o", "descend", "descend.c"], cwd=folder, check=True)
    search = ["-m", "hparams_search=command", "task=command", "command=./descend --lr {lr}"]
    pruner = ["hydra.sweeper.pruner.n_startup_trials=2", "hydra.sweeper.pruner.n_warmup_steps=2"]
    run(folder, *search, *PATTERNS, *pruner, "+lr=interval(0,1)", "hydra.sweeper.n_trials=8")
    ended = trials(folder)
    complete = [trial for trial in ended if trial.state.name == "COMPLETE"]
    pruned = [trial for trial in ended if trial.state.name == "PRUNED"]
    assert pruned
    assert len(complete) + len(pruned) == 8
    for trial in complete:
        assert trial.value == pytest.approx((trial.params["+lr"] - 0.5) ** 2, rel=1e-12)
        assert sorted(trial.intermediate_values) == list(range(9))
        assert trial.user_attrs["exit_code"] == 0
    assert all(len(trial.intermediate_values) < 9 for trial in pruned)
    # another command has scores of another meaning
    search[-1] = "command=./descend --rate {lr}"
    output = run(folder, *search, *PATTERNS, "+lr=interval(0,1)", code=1)
    assert "command: was" in output


@pytest.mark.slow
def test_another_launcher_storage_sampler_and_pruner(folder):
    run(
        folder,
        *("-m", "hparams_search=command", r"command=printf 'epoch 0 loss {n}\nscore: {n}\n'"),
        *PATTERNS,
        *("+n=range(0,3)", "hydra/launcher=joblib", "hydra.sweeper.storage=sqlite"),
        *("hydra/sweeper/sampler=grid", "hydra/sweeper/pruner=hyperband"),
        *("hydra.sweeper.n_jobs=2", "hydra.sweeper.n_trials=3"),
    )
    assert sorted(trial.value for trial in trials(folder, "sqlite")) == [0, 1, 2]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets orphans be adopted")
def test_no_child_of_a_killed_search_survives(folder):
    path = folder / "family.sh"
    path.write_text(FAMILY)
    path.chmod(0o755)
    two = ("hydra.sweeper.n_jobs=2", "+task.grace=0.5")
    words = ("-m", "hparams_search=command", "command=./family.sh {lr}", *PATTERNS, *two)
    process = start(folder, *words, "+lr=interval(0,1)")
    outputs = folder / "multirun" / "command"

    def at_work() -> int:
        return sum("epoch 1 " in path.read_text() for path in outputs.glob("*/*/*/stdout.log"))

    wait_until(lambda: at_work() == 2, 60)
    assert len(living(folder)) > 10  # the sweep, two slots, and in each a program with its children
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_until(lambda: living(folder) == [], 10)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("./no_such_program {lr}", "./no_such_program cannot be run, no such file"),
        ("echo score: 1", "lr is searched, and the command does not use it"),
        ("echo {lr} {depht}", "{depht} in the command has no value"),
        ("echo {lr", "lone {"),
    ],
)
def test_a_command_that_no_trial_could_run_makes_no_study(folder, command, told):
    search = ("-m", "hparams_search=command", f"command={command}", PATTERNS[0])
    output = run(folder, *search, "+lr=interval(0,1)", code=1)
    assert told in output
    assert "Go on" not in output
    assert "Traceback" not in output
    assert not (folder / "multirun").exists()
