"""Programs that run, and that nothing of them is left however they end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from trialsmith.command.program import Program
from trialsmith.errors import SearchError


@pytest.fixture
def survivors(tmp_path, monkeypatch):
    """The living processes that work in the test's folder, this one apart."""
    monkeypatch.chdir(tmp_path)

    def found() -> list[psutil.Process]:
        there = []
        for process in psutil.process_iter():
            try:
                here = process.cwd() == str(tmp_path) and process.pid != os.getpid()
                if here and process.status() != psutil.STATUS_ZOMBIE:
                    there.append(process)
            except (psutil.AccessDenied, psutil.NoSuchProcess):
                continue
        return there

    yield found
    for process in found():
        process.kill()


def wait_until(ready, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def script(text: str) -> list[str]:
    return ["/bin/sh", "-c", text]


# a child, one that has left the group for a session of its own, and one that hears no SIGTERM
FAMILY = """
sleep 600 &
setsid sleep 600 &
(trap '' TERM; while :; do sleep 600; done) &
echo started
"""


@pytest.mark.parametrize("code", [0, 3, -signal.SIGSEGV])
def test_the_exit_code_and_both_outputs_are_kept(tmp_path, code):
    end = f"exit {code}" if code >= 0 else f"kill -{-code} $$"
    with Program(script(f"echo out; echo err >&2; {end}"), tmp_path, 1.0) as program:
        while program.runs(5.0):
            pass
    assert program.exit_code == code
    assert [path.read_text() for path in program.outputs] == ["out\n", "err\n"]


@pytest.mark.parametrize(
    ("name", "text", "answer"),
    [
        ("missing", None, "no such file"),
        ("plain.txt", "#!/bin/sh\n", "permission denied.*chmod"),
        ("run", "echo without a first line\n", "#!/bin/sh"),
        ("bad", "#!/no/interpreter\n", "no such file.*interpreter"),
    ],
)
def test_a_program_that_cannot_start_says_why(tmp_path, name, text, answer):
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
        path.chmod(0o644 if "." in name else 0o755)
    with pytest.raises(SearchError, match=answer), Program([str(path)], tmp_path, 1.0) as program:
        program.runs(5.0)


def test_an_argument_that_is_too_long_is_answered(tmp_path):
    with pytest.raises(SearchError, match="long"), Program(["echo", "x" * 2**22], tmp_path, 1.0):
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets orphans be adopted")
def test_leaving_ends_the_program_and_all_that_it_started(tmp_path, survivors):
    with Program(script(FAMILY + "wait"), tmp_path, 0.3) as program:
        wait_until(lambda: "started" in program.outputs[0].read_text())
        assert len(survivors()) >= 5
    assert survivors() == []
    assert program.exit_code == -signal.SIGTERM


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets orphans be adopted")
def test_what_a_program_leaves_behind_ends_with_it(tmp_path, survivors):
    with Program(script(FAMILY), tmp_path, 0.3) as program:
        while program.runs(5.0):
            pass
    assert program.exit_code == 0
    assert survivors() == []


def test_sigterm_comes_first_so_that_a_program_can_tidy_up(tmp_path, survivors):
    text = "trap 'echo tidied; exit 5' TERM; echo ready; while :; do sleep 0.05; done"
    with Program(script(text), tmp_path, 5.0) as program:
        wait_until(lambda: "ready" in program.outputs[0].read_text())
    assert program.exit_code == 5
    assert program.outputs[0].read_text() == "ready\ntidied\n"
    assert survivors() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's environment")
def test_a_killed_guard_leaves_nothing(tmp_path, survivors):
    with Program(script(FAMILY + "wait"), tmp_path, 0.3) as program:
        wait_until(lambda: "started" in program.outputs[0].read_text())
        os.kill(program._guard.pid, signal.SIGKILL)
        assert not program.runs(5.0)
    assert program.exit_code is None
    assert survivors() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets orphans be adopted")
def test_a_killed_run_takes_its_program_along(tmp_path, survivors):
    run = f"""
import time
from pathlib import Path
from trialsmith.command.program import Program
with Program({script(FAMILY + "wait")!r}, Path({str(tmp_path)!r}), 0.3):
    time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", run])
    output = tmp_path / "stdout.log"
    wait_until(lambda: output.exists() and "started" in output.read_text())
    assert len(survivors()) >= 6
    process.kill()
    process.wait()
    wait_until(lambda: survivors() == [], seconds=5)


def test_a_program_does_not_take_itself_for_the_trial(tmp_path, monkeypatch):
    monkeypatch.setenv("TRIALSMITH_TRIAL", "3")
    with Program(["env"], tmp_path, 1.0) as program:
        while program.runs(5.0):
            pass
    told = Path(program.outputs[0]).read_text()
    assert "TRIALSMITH_" not in told
    assert "PYTHONUNBUFFERED=1" in told
