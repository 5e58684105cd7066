"""Places in which trials run side by side, each refilled as soon as it comes free.

A slot is a process of its own that lives as long as the sweep: importing the training code costs
seconds, and a trial that is killed takes nobody with it. Slots are spawned, not forked, and their
environment (threads, GPU) is set before they start.
"""

import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context

import psutil

from trialsmith.search.outcome import Outcome
from trialsmith.search.worker import READY, Job, serve

PATIENCE = 2.0  # seconds that an idle slot gets to end by itself


@dataclass(frozen=True)
class Ended:
    """A job that is over; without an outcome when its process died, and `cause` says how."""

    number: int
    outcome: Outcome | None
    cause: str = ""


class Slots(ABC):
    """Where jobs run."""

    def __init__(self, count: int) -> None:
        self.count = count

    @property
    @abstractmethod
    def running(self) -> set[int]:
        """Numbers of the jobs that run now."""

    @abstractmethod
    def start(self, job: Job) -> None:
        """Run `job` in a free slot."""

    @abstractmethod
    def wait(self, timeout: float) -> list[Ended]:
        """The jobs that have ended; waits for one for `timeout` seconds at most."""

    @abstractmethod
    def stop(self) -> None:
        """End every process, with or without a job."""

    @abstractmethod
    def end(self, number: int, why: str) -> None:
        """End the process of the job `number`, which is then over without an outcome."""

    def get_ready(self, jobs: int) -> None:
        """So many jobs will come; what takes time before them may begin."""
        return

    def rest(self) -> None:
        """There is no job for the free slots now; they need not be kept."""
        return

    @property
    def free(self) -> int:
        return self.count - len(self.running)


class ProcessSlots(Slots):
    """Slots that are processes of this machine.

    Args:
        payload: a `Runner`, pickled by cloudpickle.
        environment: by slot number, what the slot's process finds in its environment.
    """

    def __init__(
        self, count: int, payload: bytes, environment: Callable[[int], Mapping[str, str]]
    ) -> None:
        super().__init__(count)
        self._payload = payload
        self._environment = environment
        self._slots: dict[int, _Slot] = {}

    @property
    def running(self) -> set[int]:
        return {slot.job for slot in self._slots.values() if slot.job is not None}

    def get_ready(self, jobs: int) -> None:
        for k in range(min(jobs, self.count)):
            self._alive(k)

    def start(self, job: Job) -> None:
        for k in range(self.count):
            slot = self._slots.get(k)
            if slot is None or slot.job is None:
                self._alive(k).give(job)
                return
        raise RuntimeError("no slot is free")

    def _alive(self, k: int) -> "_Slot":
        slot = self._slots.get(k)
        if slot is None or not slot.process.is_alive():
            slot = self._slots[k] = _Slot(self._payload, self._environment(k))
        return slot

    def wait(self, timeout: float) -> list[Ended]:
        busy = [slot for slot in self._slots.values() if slot.job is not None]
        if not busy:
            time.sleep(timeout)
            return []
        signs = [sign for slot in busy for sign in (slot.pipe, slot.process.sentinel)]
        connection.wait(signs, timeout)
        return [ended for slot in busy if (ended := slot.look()) is not None]

    def end(self, number: int, why: str) -> None:
        for slot in self._slots.values():
            if slot.job == number:
                slot.kill(why)

    def stop(self) -> None:
        for slot in self._slots.values():
            slot.dismiss()
        deadline = time.monotonic() + PATIENCE
        for slot in self._slots.values():
            slot.end(deadline)
        self._slots.clear()


class _Slot:
    """One process, its pipe, and the number of the job that it runs."""

    def __init__(self, payload: bytes, environment: Mapping[str, str]) -> None:
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.job: int | None = None
        self._why = ""  # it was ended, where that was our doing
        self._is_ready = False
        # not a daemon: those may not have children, and data loaders are such
        self.process = context.Process(target=serve, args=(theirs, os.getpid()), daemon=False)
        with _environ(environment):
            self.process.start()
        theirs.close()
        with suppress(ConnectionError):  # it died at once; `look` will see
            self.pipe.send_bytes(payload)

    def give(self, job: Job) -> None:
        self.job = job.number
        with suppress(ConnectionError):
            self.pipe.send(job)

    def look(self) -> Ended | None:
        """What has become of the job, None while it runs."""
        assert self.job is not None
        number = self.job
        try:
            if self.pipe.poll():
                said = self.pipe.recv()
                if said == READY:
                    self._is_ready = True
                    return None
                self.job = None
                return Ended(number, said)
        except (EOFError, OSError):
            self.process.join(PATIENCE)
        if self.process.is_alive():
            return None
        self._end_group()
        self.job = None
        code = self.process.exitcode
        if not self._is_ready and code is not None and code > 0:  # the next one would meet it too
            return Ended(number, _stillborn(code))
        return Ended(number, None, self._why or _cause(code))

    def dismiss(self) -> None:
        """Ask an idle process to end; end a busy one."""
        if self.job is not None:
            self.kill()
        with suppress(OSError):
            self.pipe.send(None)

    def end(self, deadline: float) -> None:
        self.process.join(max(0.0, deadline - time.monotonic()))
        self.kill()
        self.process.join()
        self.pipe.close()

    def kill(self, why: str = "") -> None:
        """End the process and all that it started, which may outlive it."""
        self._why = why
        self._end_group()
        if self.process.is_alive():
            self.process.kill()

    def _end_group(self) -> None:
        assert self.process.pid is not None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


def end_children() -> None:
    """End every process that this one has started, except those that tidy up after it."""
    children = [
        child for child in psutil.Process().children(recursive=True) if not _tidies_up(child)
    ]
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(children, timeout=1.0)


def _tidies_up(process: psutil.Process) -> bool:
    """Whether it is one of multiprocessing's or loky's trackers of shared memory."""
    try:
        return any("resource_tracker" in word for word in process.cmdline())
    except psutil.Error:
        return False


@contextmanager
def _environ(changes: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _stillborn(code: int) -> Outcome:
    """Of a process that ended before it had anything to do: it could not import the task."""
    message = (
        f"its process ended with exit code {code} before the trial began, perhaps in an import of "
        "the task's file or of what that imports; its own words stand above"
    )
    return Outcome("failed", failure="error", message=message, signature=message)


def _cause(code: int | None) -> str:
    """Why a process ended, from its exit code."""
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        guess = ", perhaps for lack of memory" if name == "SIGKILL" else ""
        return f"its process was killed by {name}{guess}"
    return f"its process ended with exit code {code}"
