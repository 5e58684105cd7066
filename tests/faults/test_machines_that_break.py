"""Sweepers, disks and clocks that break: what was stored is kept, and the same command goes on."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from search_program import PATIENCE

PLAIN = ("hparams_search=plain", "hydra.sweeper.n_trials=5", "hydra.sweeper.n_jobs=2")
LONG = (*PLAIN, "epochs=400", "pause=0.05")
GO_ON = "give the same command again"


def stopped(app, *numbers: int) -> tuple[int, str]:
    """Exit code and output of a search that got the signals while two trials ran."""
    process = app.start(*LONG)
    app.wait_for_running(2)
    for number in numbers:
        os.kill(process.pid, number)
        time.sleep(0.05)
    output, _ = process.communicate(timeout=PATIENCE)
    app.wait_until(lambda: app.processes() == [])
    return process.returncode, output


@pytest.mark.fault
@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        ([signal.SIGKILL], -9),
        ([signal.SIGTERM], 143),
        ([signal.SIGINT], 130),
        ([signal.SIGINT, signal.SIGINT], 130),
        ([signal.SIGINT, signal.SIGTERM], -15),
    ],
)
def test_a_sweeper_that_is_ended_leaves_nothing_running_and_loses_nothing(app, numbers, code):
    found, output = stopped(app, *numbers)
    assert found in (code, 130), output
    assert "Traceback" not in output
    points = {str(trial.user_attrs["params"]) for trial in app.study().trials}
    app.search(*PLAIN)
    assert app.check(5) == {"interrupted": 2}
    completed = [t for t in app.study().trials if t.state.name == "COMPLETE"]
    assert points <= {str(trial.user_attrs["params"]) for trial in completed}


@pytest.mark.parametrize("storage", ["journal", pytest.param("sqlite", marks=pytest.mark.fault)])
def test_sweepers_that_race_to_create_a_study_share_it(app, storage: str) -> None:
    overrides = (*PLAIN, f"hydra.sweeper.storage={storage}")
    for process in [app.start(*overrides) for _ in range(3)]:
        output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, output
    assert app.check(5, storage) == {}


@pytest.fixture
def small_disk(app) -> Iterator[Path]:
    """`multirun` on a disk of its own of 1 MB, where the tests may mount one."""
    folder = app.folder / "multirun"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_ends_the_search_and_room_lets_it_go_on(app, small_disk: Path) -> None:
    process = app.start(*LONG)
    app.wait_for_running(2)
    ballast = small_disk / "ballast"
    with ballast.open("wb") as file:
        room = os.statvfs(small_disk)
        file.write(bytes(room.f_bavail * room.f_frsize))
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, output
    assert GO_ON in output
    assert "Traceback" not in output
    assert "No space left on device" in output
    begun = len(app.study().trials)
    ballast.unlink()
    app.search(*PLAIN)
    app.check(5)
    assert len(app.study().trials) > begun


def test_a_read_only_folder_is_named_and_nothing_in_it_changes(app, small_disk: Path) -> None:
    app.search(*PLAIN, "hydra.sweeper.n_trials=3")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    output = app.search(*PLAIN, code=1)
    assert "Read-only file system" in output
    assert GO_ON in output
    assert "Traceback" not in output
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    app.search(*PLAIN)
    assert app.check(5) == {}


JOURNALS = {
    "torn": lambda text: text + b'{"op_code":8,"trial_id":2,"user_a',
    "cut in a line": lambda text: text[: int(0.7 * len(text))],
    "cut in its first line": lambda text: text[:9],
    "cut between two lines": lambda text: b"".join(text.splitlines(True)[:-6]),
    "zeros at its end": lambda text: text + bytes(4096),
    "empty": lambda text: b"",
}


@pytest.mark.fault
@pytest.mark.parametrize("damage", JOURNALS)
def test_a_journal_that_lost_its_end_goes_on_from_what_is_left(app, damage: str) -> None:
    app.search(*PLAIN, "hydra.sweeper.n_trials=3")
    journal = app.folder / "multirun/plain/study.journal"
    before = journal.read_bytes()
    after = JOURNALS[damage](before)
    journal.write_bytes(after)
    app.search(*PLAIN)
    app.check(5)
    whole = after[: after.rfind(b"\n") + 1]
    assert journal.read_bytes().startswith(whole)
    if whole != after:
        assert after[len(whole) :] in journal.with_name("study.journal.torn").read_bytes()


@pytest.mark.fault
def test_a_journal_with_a_line_that_cannot_be_read_is_refused_by_its_number(app) -> None:
    app.search(*PLAIN, "hydra.sweeper.n_trials=3")
    journal = app.folder / "multirun/plain/study.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:20], b'{"op_code": 8, garbage\n', *lines[20:]]))
    output = app.search(*PLAIN, code=1)
    assert "study.journal, line 21" in output
    assert "Traceback" not in output
    journal.write_bytes(b"".join(lines))
    app.search(*PLAIN)
    assert app.check(5) == {}


def test_a_clock_that_is_set_makes_nobody_look_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    from trialsmith.search import ownership

    owner = ownership.me()
    began = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: began + 3600.0)
    monkeypatch.setattr(time, "time", lambda: began - 1e6)
    assert not ownership.is_dead(owner)
    host, pid, start = owner.rsplit(":", 2)
    assert ownership.is_dead(f"{host}:{pid}:{start}0")  # a later process with the number


def test_a_damaged_record_of_the_cache_is_built_again(tmp_path: Path) -> None:
    from trialsmith.graph import cached_arrays

    def build() -> dict[str, np.ndarray]:
        return {"distances": np.arange(1000.0)}

    cached_arrays(tmp_path, "key", build)
    (array,) = tmp_path.rglob("distances.npy")
    for content in (array.read_bytes()[:-9] + b"oblivious", array.read_bytes()[:100], b""):
        array.write_bytes(content)
        again = cached_arrays(tmp_path, "key", build)
        np.testing.assert_array_equal(np.asarray(again["distances"]), build()["distances"])
