"""What runs inside a job of a launcher: a worker that takes one trial after another.

The worker itself is small and imports nothing of the training. Each trial runs in a process of the
worker's own, which lives as long as the worker, so that imports are paid once; a trial that is
killed takes nobody with it. What the worker is told and tells goes through its mailbox.
"""

import os
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from trialsmith.search import ownership
from trialsmith.search.mailbox import BEAT, CLOSED, END, ENDED, JOB, LOST, PULSE, Mailbox, Pulse
from trialsmith.search.slots import Ended, ProcessSlots
from trialsmith.search.worker import Job

TICK = 0.2  # seconds between looks into the mailbox

# A scheduler's word that the job must end soon: SIGUSR2 is submitit's, before the time limit and at
# preemption; SIGTERM is everybody's.
NOTICES = (signal.SIGTERM, signal.SIGUSR2)
HESITATION = 2.0  # seconds by which the same word may reach the worker after its trial

SCHEDULERS = ("SLURM_JOB_ID", "SUBMITIT_LOCAL_JOB_ID", "PBS_JOBID", "LSB_JOBID")


@dataclass
class Workplace:
    """What the jobs of a launcher need to know to work for a sweep.

    Attributes:
        mailboxes: folder of the sweep's own mailbox, with one for each worker in it.
        owner: the sweep; see `ownership`.
        payload: a `Runner`, pickled.
        environment: what the trials' process finds in its environment.
        folder: where the sweep was started.
        path: where the sweep looks for modules.
    """

    mailboxes: Path
    owner: str
    payload: bytes
    environment: Mapping[str, str]
    folder: Path = field(default_factory=Path.cwd)
    path: tuple[str, ...] = field(default_factory=lambda: tuple(sys.path))

    def work(self, number: int) -> None:
        """Be the worker `number` until it is dismissed, its sweep is gone, or its time is up."""
        os.chdir(self.folder)
        sys.path.extend(entry for entry in self.path if entry not in sys.path)
        with _Notice() as notice:
            _Shift(self, Mailbox(self.mailboxes / str(number)), notice).work()


class _Shift:
    """The work of one job, from its beginning to its end."""

    def __init__(self, place: Workplace, box: Mailbox, notice: "_Notice") -> None:
        self._place = place
        self._box = box
        self._notice = notice
        self._slots = ProcessSlots(1, place.payload, lambda _: place.environment)
        self._name = uuid.uuid4().hex  # a job that is begun again is another worker
        self._sweep = Pulse(Mailbox(place.mailboxes))
        self._note: dict[str, Any] | None = None  # of the trial that runs
        self._done = 0  # the last note that was worked on
        self._beats = 0
        self._beaten = -BEAT

    def work(self) -> None:
        try:
            while not self._is_over():
                self._beat()
                self._obey()
                for ended in self._slots.wait(TICK):
                    self._tell(ended)
        finally:
            self._slots.stop()
        if self._note is None:
            self._note = self._fresh()  # given, and not begun
        if self._note is not None:
            self._tell(Ended(self._note["number"], None, f"its worker ended: {self._notice}"))

    def _is_over(self) -> bool:
        if self._notice.received is not None or self._box.read(CLOSED) is not None:
            return True
        self._sweep.feel()
        return self._is_left_alone() or ownership.is_dead(self._place.owner)

    def _is_left_alone(self) -> bool:
        return self._sweep.silence > LOST

    def _beat(self) -> None:
        if time.monotonic() - self._beaten < BEAT:
            return
        self._beaten = time.monotonic()
        self._beats += 1
        where = f"{socket.gethostname()}{_scheduled()}"
        with suppress(OSError):  # a full disk costs a beat, not the trial
            self._box.write(PULSE, {"name": self._name, "where": where, "beat": self._beats})

    def _fresh(self) -> dict[str, Any] | None:
        """A trial that was given to this worker and not begun yet."""
        note = self._box.read(JOB)
        if note is None or note["worker"] != self._name or note["id"] <= self._done:
            return None
        return note

    def _obey(self) -> None:
        if self._note is None and (note := self._fresh()) is not None:
            self._note, self._done = note, note["id"]
            self._slots.start(Job(note["number"], tuple(note["overrides"])))
        end = self._box.read(END)
        if end is not None and self._note is not None and end["id"] == self._note["id"]:
            self._slots.end(self._note["number"], end["why"])

    def _tell(self, ended: Ended) -> None:
        assert self._note is not None
        moved = ended.outcome is None and self._is_ending(ended)
        record = None if ended.outcome is None else ended.outcome.record()
        note = {"id": self._note["id"], "outcome": record, "cause": ended.cause, "moved": moved}
        self._note = None
        self._box.write(ENDED, note)

    def _is_ending(self, ended: Ended) -> bool:
        """Whether the trial ended because the job does, which no trial is to blame for."""
        if self._is_left_alone():  # by a sweep that may come back
            return True
        if any(number.name in ended.cause for number in NOTICES):
            deadline = time.monotonic() + HESITATION
            while self._notice.received is None and time.monotonic() < deadline:
                time.sleep(TICK)
        return self._notice.received is not None


class _Notice:
    """While entered, `received` is the first signal that gives notice, else None."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "_Notice":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in NOTICES}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __str__(self) -> str:
        return "it was dismissed" if self.received is None else f"{self.received.name}"

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = self.received or signal.Signals(number)


def _scheduled() -> str:
    """The scheduler's number of this job, as far as it is known."""
    found = next((name for name in SCHEDULERS if name in os.environ), None)
    return f", {found}={os.environ[found]}" if found else ""
