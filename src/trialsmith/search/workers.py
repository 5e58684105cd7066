"""Slots that are workers elsewhere: jobs of a launcher, each of which runs many trials.

A worker is hired by launching a job; it may wait in a queue for hours before it begins. Trials are
begun for workers that are there, so that each is chosen by what is known by then. Nobody needs to
reach a worker: it is heard by its notes, and whoever falls silent is taken for dead.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from trialsmith.errors import SearchError, TrialsmithError
from trialsmith.search.mailbox import BEAT, CLOSED, END, ENDED, JOB, LOST, PULSE, Mailbox, Pulse
from trialsmith.search.outcome import Outcome
from trialsmith.search.slots import Ended, Slots, end_children
from trialsmith.search.worker import Job

log = logging.getLogger(__name__)

TICK = 0.1  # seconds between looks into the mailboxes
FAREWELL = 5.0  # seconds that dismissed workers get to end
ATTEMPTS = 3  # so many workers in a row that never began end the search
MOVES = 100  # so often a trial goes on elsewhere before it is given up


class WorkerSlots(Slots):
    """Slots that are workers, hired by launching jobs.

    Args:
        count: of workers that work at a time.
        mailboxes: a folder of this sweep's own, which the workers can see.
        owner: this sweep; see `ownership`.
        launch: runs the job of the worker with this number to its end, in this thread.
        close: ends what the launcher left behind.
    """

    def __init__(
        self,
        count: int,
        mailboxes: Path,
        owner: str,
        launch: Callable[[int], None],
        close: Callable[[], None] = end_children,
    ) -> None:
        super().__init__(count)
        self._folder = mailboxes
        self._launch = launch
        self._close = close
        self._workers: list[_Worker] = []
        self._hired = 0
        self._wanted = count
        self._failed = 0
        self._moved: list[_Task] = []
        self._over = threading.Event()
        self._box = Mailbox(mailboxes)
        self._owner = owner

    @property
    def running(self) -> set[int]:
        tasks = [worker.task for worker in self._workers if worker.task is not None]
        return {task.job.number for task in (*tasks, *self._moved)}

    @property
    def free(self) -> int:
        return max(0, len(self._idle()) - len(self._moved))

    def start(self, job: Job) -> None:
        self._idle()[0].give(_Task(job))

    def rest(self) -> None:
        """Let workers go that have nothing to do; one stays, for a trial may come back."""
        self._wanted = max(1, len(self.running))
        busy = [worker for worker in self._workers if worker.task is not None]
        for worker in [w for w in self._workers if w.task is None][self._wanted - len(busy) :]:
            worker.dismiss()
            self._workers.remove(worker)

    def wait(self, timeout: float) -> list[Ended]:
        if not self._hired:
            threading.Thread(target=self._live, daemon=True).start()
        deadline = time.monotonic() + timeout
        while True:
            ended = [end for worker in list(self._workers) for end in self._look(worker)]
            self._employ()
            if ended or time.monotonic() >= deadline:
                return ended
            time.sleep(TICK)

    def end(self, number: int, why: str) -> None:
        for worker in self._workers:
            if worker.task is not None and worker.task.job.number == number:
                worker.end(why)

    def stop(self) -> None:
        for worker in self._workers:
            worker.dismiss()
        deadline = time.monotonic() + FAREWELL
        for worker in self._workers:
            if worker.name is not None:  # who waits in a queue finds the note when his turn comes
                worker.thread.join(max(0.0, deadline - time.monotonic()))
        self._over.set()
        if self._hired:
            self._close()
        self._workers, self._moved = [], []

    def _idle(self) -> list["_Worker"]:
        return [worker for worker in self._workers if worker.is_idle]

    def _look(self, worker: "_Worker") -> list[Ended]:
        """What has become of the worker and of its trial."""
        task = worker.task
        news = worker.listen()
        if worker.name is not None:
            self._failed = 0
        if worker.is_gone:
            self._workers.remove(worker)
            if worker.name is None:
                self._note_failure(worker)
        if task is None or news is None:
            return []
        if news.get("moved") and task.moves < MOVES:
            log.info("trial %d goes on with another worker: %s", task.job.number, news["cause"])
            task.moves += 1
            self._moved.append(task)
            return []
        record = news.get("outcome")
        outcome = None if record is None else Outcome.from_record(record)
        return [Ended(task.job.number, outcome, news["cause"])]

    def _employ(self) -> None:
        """Give moved trials to who has nothing to do, and fill empty places."""
        for worker in self._idle():
            if self._moved:
                worker.give(self._moved.pop(0))
        if not self._hired:
            log.info("waiting for %d workers of hydra/launcher to begin", self._wanted)
        while len(self._workers) < max(self._wanted, len(self._moved)):
            self._workers.append(_Worker(self._hired, self._folder, self._launch))
            self._hired += 1

    def _note_failure(self, worker: "_Worker") -> None:
        self._failed += 1
        log.warning("worker %d never began: %s", worker.number, worker.why)
        if self._failed >= ATTEMPTS:
            raise SearchError(
                f"{self._failed} jobs of hydra/launcher ended before they began to work; the last "
                f"one: {worker.why}"
            )

    def _live(self) -> None:
        """Beat for the workers to hear, also while the sweep waits for its storage."""
        beats = 0
        while not self._over.is_set():
            beats += 1
            with suppress(OSError):  # a full disk costs a beat, not all workers
                self._box.write(PULSE, {"owner": self._owner, "beat": beats})
            self._over.wait(BEAT)


class _Task:
    """A job, and how often it has changed its worker."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.moves = 0


class _Worker:
    """One worker as the sweep knows it.

    Attributes:
        name: by which it goes; None before it has begun.
        task: that it runs.
        thread: in which its job is launched and waited for.
        is_gone: it will not work any more, and `why`.
    """

    def __init__(self, number: int, folder: Path, launch: Callable[[int], None]) -> None:
        self.number = number
        self.name: str | None = None
        self.task: _Task | None = None
        self.is_gone = False
        self.why = "its job is over"
        self._notes = 0
        self._box = Mailbox(folder / str(number))
        self._pulse = Pulse(self._box)
        # daemon: a launcher that hangs does not hold up the end
        self.thread = threading.Thread(target=self._run, args=(launch,), daemon=True)
        self.thread.start()

    @property
    def is_idle(self) -> bool:
        return self.name is not None and self.task is None and not self.is_gone

    def give(self, task: _Task) -> None:
        self.task = task
        self._notes += 1
        job = {"number": task.job.number, "overrides": list(task.job.overrides)}
        self._box.write(JOB, {"id": self._notes, "worker": self.name, **job})

    def end(self, why: str) -> None:
        """Have the trial's process ended."""
        self._box.write(END, {"id": self._notes, "why": why})

    def dismiss(self) -> None:
        self._box.write(CLOSED, {})

    def listen(self) -> dict[str, Any] | None:
        """How the task ended, None while it runs; the worker is free then, or gone."""
        over = not self.thread.is_alive()  # asked first: its last note is then there to be read
        beat = self._pulse.feel()
        begun_again = beat is not None and self.name not in (None, beat["name"])
        if beat is not None and beat["name"] != self.name:
            self.name = beat["name"]
            log.info("worker %d begins on %s", self.number, beat["where"])
        silent = self.name is not None and self._pulse.silence > LOST
        note = self._box.read(ENDED) if self.task is not None else None
        if note is not None and note["id"] != self._notes:
            note = None
        if note is None and self.task is not None and (over or silent or begun_again):
            why = "it was begun again" if begun_again else self.why if over else "it fell silent"
            note = {"outcome": None, "cause": f"its worker {self.number} was lost: {why}"}
        if note is not None:
            self.task = None
        if over or silent or (note is not None and note.get("moved")):
            self.is_gone = True
            self.dismiss()  # if it comes back, nobody waits for it
        return note

    def _run(self, launch: Callable[[int], None]) -> None:
        try:
            launch(self.number)
        except TrialsmithError as error:
            self.why = str(error)
        except Exception as error:
            lines = str(error).strip().splitlines() or [""]
            self.why = f"{type(error).__name__}: {lines[-1] if len(lines) > 1 else lines[0]}"
