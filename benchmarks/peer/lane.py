"""Work in processes of their own, taken in turns: each with its threads and its allocator."""

import ctypes
import gc
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self, TypeVar

import torch

from trialsmith.allocator import keep_freed_memory

Work = Callable[..., Any]
Name = TypeVar("Name")

# What trialsmith.allocator tells glibc, told from without: see mallopt(3) and glibc's tunables.
_TUNED = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**62),
    "MALLOC_TOP_PAD_": str(2**28),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
_MOST_AT_REST = 5  # GB


@dataclass(frozen=True)
class Setting:
    """CPU threads, and whether glibc keeps freed memory, in huge pages, or gives it back."""

    threads: int
    tuned: bool

    def __str__(self) -> str:
        threads = f"{self.threads} thread{'s' * (self.threads > 1)}"
        return f"{threads}, tuned" if self.tuned else threads

    @property
    def environment(self) -> dict[str, str]:
        """Of a command that is to run in this setting."""
        others = {name: value for name, value in os.environ.items() if name not in _TUNED}
        threads = {"OMP_NUM_THREADS": str(self.threads), "MKL_NUM_THREADS": str(self.threads)}
        return others | threads | (_TUNED if self.tuned else {})


class Lane:
    """A process that prepares work once and then does it when its turn comes.

    Args:
        prepare: makes the work, in the process; can be pickled.
        setting: of the process.
    """

    def __init__(self, prepare: Callable[[], Work], setting: Setting) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(prepare, setting, there))
        with _environment(replace(setting, tuned=False).environment):
            self._process.start()
        there.close()
        self._answer()  # one after the other

    def turn(self, *arguments: Any, untimed: int = 1) -> tuple[float, Any]:
        """Does the work; returns its seconds and its result.

        Args:
            arguments: of the work.
            untimed: how often to do it before, so that memory and clock are as in a long run.
        """
        self._connection.send((arguments, untimed))
        return self._answer()

    def _answer(self) -> Any:
        answer = self._connection.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.join()


def turns(
    works: Mapping[Name, tuple[Callable[[], Work], Setting]],
    rounds: int,
    arguments: Callable[[int], tuple[Any, ...]] = lambda round_: (),
    untimed: int = 1,
) -> dict[Name, list[tuple[float, Any]]]:
    """Seconds and result of each work in each round; in a round every work has one turn.

    Whatever slows the machine for a while slows all of them. Rounds go to and fro.
    """
    with ExitStack() as stack:
        lanes = {name: stack.enter_context(Lane(*work)) for name, work in works.items()}
        found: dict[Name, list[tuple[float, Any]]] = {name: [] for name in lanes}
        for round_ in range(rounds):
            for name in list(lanes)[:: -1 if round_ % 2 else 1]:
                found[name].append(lanes[name].turn(*arguments(round_), untimed=untimed))
    return found


def interleaved(
    works: Mapping[Name, tuple[Callable[[], Work], Setting]],
    rounds: int,
    arguments: Callable[[int], tuple[Any, ...]] = lambda round_: (),
) -> dict[Name, list[float]]:
    """The seconds of `turns`."""
    found = turns(works, rounds, arguments)
    return {name: [seconds for seconds, _ in taken] for name, taken in found.items()}


def _serve(prepare: Callable[[], Work], setting: Setting, connection: Connection) -> None:
    torch.set_num_threads(setting.threads)
    try:
        if setting.tuned:
            keep_freed_memory()
        work = prepare()
        connection.send("ready")
        while True:
            arguments, untimed = connection.recv()
            for _ in range(untimed):
                work(*arguments)
            began = time.perf_counter()
            result = work(*arguments)
            connection.send((time.perf_counter() - began, result))
            _rest(setting)
    except EOFError:  # the other end was closed: no more turns
        return
    except Exception as error:
        connection.send(error)
        raise


def _rest(setting: Setting) -> None:
    """Gives unused memory back, so that many lanes have room; the next untimed run takes it.

    Who keeps what is freed does so here too, unless it is more than a machine has for many.
    """
    gc.collect()
    if setting.tuned and status("VmRSS") < _MOST_AT_REST:
        return
    ctypes.CDLL(None).malloc_trim(0)
    if setting.tuned:
        keep_freed_memory()


def status(name: str) -> float:
    """A line of /proc/self/status, GB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024 / 1e9


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
