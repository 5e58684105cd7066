"""The same work on many items, on all CPUs when that is worth it, with a bar on stderr."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

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
    """`[function(item) for item in items]`.

    Args:
        function: at the top of a module, so that another process can import it.
        label: what is being done, shown beside the bar.
        seconds: what one item costs, roughly: a second process is started only if it saves time.
        workers: processes; None for all CPUs where they save time, else this one only.
        progress: show the bar.
    """
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    if workers is None:
        workers = _worth(seconds * len(items))
    with Progress(*columns, console=Console(stderr=True), disable=not (progress and items)) as bar:
        return list(bar.track(_results(function, items, workers), total=len(items)))


def _worth(seconds: float) -> int:
    """How many processes finish work of so many seconds soonest: one, or one for each CPU."""
    cpus = len(os.sched_getaffinity(0))
    return cpus if seconds * (1 - 1 / cpus) > _START else 1


def _results(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Iterator[Result]:
    # A daemon (a worker of multiprocessing.Pool) may not have processes of its own.
    if workers == 1 or multiprocessing.current_process().daemon:
        yield from map(function, items)
        return
    # Spawned, not forked: this process may hold torch's threads and their locks.
    context = multiprocessing.get_context("spawn")
    chunk = max(1, len(items) // (workers * _CHUNKS_PER_WORKER))
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(function, items, chunksize=chunk)
