"""What a sweep and a worker elsewhere hear of each other."""

import errno
from pathlib import Path
from typing import Any

import pytest

from trialsmith.search import mailbox, workers
from trialsmith.search.mailbox import LOST, PAUSE, PULSE, Mailbox, Pulse
from trialsmith.search.workers import WorkerSlots


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(mailbox, "time", made)
    return made


def test_silence_is_what_was_listened_to(tmp_path: Path, clock: Clock) -> None:
    box = Mailbox(tmp_path)
    box.write(PULSE, {"beat": 1})
    pulse = Pulse(box)
    assert pulse.feel() == {"beat": 1}
    for _ in range(10):
        clock.now += PAUSE - 1
        pulse.feel()
    assert pulse.silence == 10 * (PAUSE - 1)
    clock.now += 2 * LOST  # the listener was stopped, and perhaps the other one, too
    pulse.feel()
    assert pulse.silence == 10 * (PAUSE - 1) + PAUSE
    box.write(PULSE, {"beat": 2})
    pulse.feel()
    assert pulse.silence == 0


def test_a_full_disk_does_not_end_the_pulse(tmp_path: Path, monkeypatch) -> None:
    slots = WorkerSlots(1, tmp_path, "me", lambda number: None, lambda: None)
    beats: list[int] = []

    def write(self: Mailbox, name: str, note: dict[str, Any]) -> None:
        beats.append(note["beat"])
        if note["beat"] == 3:
            slots._over.set()
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(Mailbox, "write", write)
    monkeypatch.setattr(workers, "BEAT", 0.001)
    slots._live()
    assert beats == [1, 2, 3]
