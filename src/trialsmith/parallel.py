"""The same work on many items, on all CPUs when that is worth it, with a bar on stderr."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import chain
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trialsmith.errors import DataError

Item = TypeVar("Item")
Result = TypeVar("Result")

_CHUNKS_PER_WORKER = 8  # small enough that the bar moves and no worker is left with a long rest
_START = 5  # seconds until a process has started and imported what it needs


def mapped(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    label: str,
    seconds: float,
    workers: int | None = None,
    progress: bool = True,
) -> list[Result]:
    """`[function(item) for item in items]`; see `mapped_together` for the arguments."""
    workers = _worth(seconds * len(items)) if workers is None else workers
    size = max(1, len(items) // (workers * _CHUNKS_PER_WORKER)) if workers > 1 else 1
    each = partial(_each, function)
    return mapped_together(each, items, label, seconds, size, workers, progress)


def mapped_together(
    function: Callable[[Sequence[Item]], Sequence[Result]],
    items: Sequence[Item],
    label: str,
    seconds: float,
    size: int,
    workers: int | None = None,
    progress: bool = True,
) -> list[Result]:
    """`function(items)`, for a function that makes of several items as many results.

    Args:
        function: at the top of a module, so that another process can import it.
        label: what is being done, shown beside the bar.
        seconds: what one item costs, roughly: a second process is started only if it saves time.
        size: how many items the function is given at once.
        workers: processes; None for all CPUs where they save time, else this one only.
        progress: show the bar.

    Raises:
        DataError: a process ended before its work was done.
    """
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    workers = _worth(seconds * len(items)) if workers is None else workers
    parts = [items[begin : begin + size] for begin in range(0, len(items), size)]
    with Progress(*columns, console=Console(stderr=True), disable=not (progress and items)) as bar:
        try:
            return list(bar.track(_results(function, parts, workers), total=len(items)))
        except BrokenProcessPool as error:
            raise DataError(
                f"{label}: one of {workers} processes ended before its work was done. If it says "
                "above that it imports the script that you run: put what the script does under "
                'if __name__ == "__main__":; if it says nothing, memory may have run out.'
            ) from error


def _each(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    return [function(item) for item in items]


def _worth(seconds: float) -> int:
    """How many processes finish work of so many seconds soonest: one, or one for each CPU."""
    cpus = len(os.sched_getaffinity(0))
    return cpus if seconds * (1 - 1 / cpus) > _START else 1


def _results(
    function: Callable[[Sequence[Item]], Sequence[Result]],
    parts: Sequence[Sequence[Item]],
    workers: int,
) -> Iterator[Result]:
    # A daemon (a worker of multiprocessing.Pool) may not have processes of its own.
    if workers == 1 or multiprocessing.current_process().daemon:
        yield from chain.from_iterable(map(function, parts))
        return
    # Spawned, not forked: this process may hold torch's threads and their locks.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from chain.from_iterable(pool.map(function, parts))
