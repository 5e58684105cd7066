"""The inside of a slot: a process that runs one trial after another until the sweep ends."""

import ctypes
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import IO, Protocol

from trialsmith.search import last_rites, memory
from trialsmith.search.outcome import Outcome, outcome_of_error

PR_SET_PDEATHSIG = 1
READY = "ready"  # the first word of a process that has come so far


@dataclass(frozen=True)
class Job:
    """A trial to run: its number and the overrides that make its configuration."""

    number: int
    overrides: tuple[str, ...]


class Runner(Protocol):
    """What a slot's process does."""

    def get_ready(self) -> None:
        """What takes time and is the same for every job."""

    def __call__(self, job: Job) -> Outcome:
        """Run a job."""


def serve(connection: Connection, parent: int) -> None:
    """Run what comes down the pipe: first a pickled `Runner`, then jobs, then None.

    What goes up it is `READY`, then the outcomes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the sweep's to handle
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setpgrp()  # what the trial starts is ended with it
    die_with(parent)
    _companion = _take_along()
    connection.send(READY)
    run = _runner(connection.recv_bytes())
    while (job := _next(connection)) is not None:
        memory.reset_peak()
        connection.send(run(job))
        memory.release()


def _runner(payload: bytes) -> Callable[[Job], Outcome]:
    try:
        runner: Runner = pickle.loads(payload)
        runner.get_ready()
    except Exception as error:
        failed = outcome_of_error(error)
        return lambda job: failed
    return runner


def _next(connection: Connection) -> Job | None:
    try:
        job: Job | None = connection.recv()
    except EOFError:
        return None
    return job


def die_with(parent: int) -> None:
    """End this process when its parent ends, however that happens."""
    try:
        ctypes.CDLL("libc.so.6").prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):  # not Linux
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it ended before the kernel was asked
        os._exit(1)


def _take_along() -> subprocess.Popen[bytes]:
    """Have this process's group ended after it, also where the sweep is no more to do so.

    The kernel tells a process of its parent's death, but not the children of that process.
    """
    return subprocess.Popen(
        [sys.executable, "-I", "-S", last_rites.__file__, str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


@contextmanager
def console_in(file: IO[bytes]) -> Iterator[None]:
    """Everything that this process prints goes to `file`, native code included."""
    before = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
    _flush()
    for descriptor in before:
        os.dup2(file.fileno(), descriptor)
    try:
        yield
    finally:
        try:
            _flush()
        finally:
            for descriptor, saved in before.items():
                os.dup2(saved, descriptor)
                os.close(saved)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
