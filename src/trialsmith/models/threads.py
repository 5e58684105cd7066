"""Work for the threads with which PyTorch divides its own operations.

They belong to OpenMP, and after a piece of work they spin for a while, waiting for the next one:
threads of another kind would share the cores with them. So it is these that are asked.
"""

import ctypes
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import torch

from trialsmith.models.linked import linked

Result = TypeVar("Result")

_PROCESS = os.getpid()
_Callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def in_threads(count: int, work: Callable[[int], Result]) -> list[Result]:
    """What work(0) … work(count - 1) return, side by side in at most as many threads as torch has.

    PyTorch does not differentiate the operations of a piece. What a piece raises is raised when all
    have come to their end.
    """
    inference = torch.is_inference_mode_enabled()
    results: dict[int, Result] = {}
    errors: list[BaseException] = []

    def do(piece: int) -> None:
        try:
            # each thread has switches of its own, and what is made in inference mode changes in it
            with torch.inference_mode(inference), torch.no_grad():
                results[piece] = work(piece)
        except BaseException as error:
            errors.append(error)

    team = _team() if os.getpid() == _PROCESS else None  # its threads do not survive a fork
    (_in_threads_of_our_own if team is None else team)(count, do)
    for error in errors:
        raise error
    for piece in range(count):
        if piece not in results:
            raise RuntimeError(f"piece {piece} of {count} was not begun")
    return [results[piece] for piece in range(count)]


@cache
def _team() -> Callable[[int, Callable[[int], None]], None] | None:
    """OpenMP's team, where the runtime of PyTorch is GNU's or takes calls as GNU's does.

    A program that GNU's compiler has compiled has a parallel region between these calls. By
    ``GOMP_parallel`` the thread that asks would work in a callback too, and an interrupt that comes
    as a callback begins is lost.
    """
    functions = linked(
        *("GOMP_parallel_start", "GOMP_parallel_end"),
        *("omp_get_thread_num", "omp_get_num_threads"),
    )
    if functions is None:
        return None
    begin, end, number, size = functions
    begin.argtypes = [_Callback, ctypes.c_void_p, ctypes.c_uint]
    begin.restype = end.restype = None

    def run(count: int, do: Callable[[int], None]) -> None:
        def pieces(_: Any) -> None:
            for piece in range(number(), count, size()):  # a user may allow fewer threads
                do(piece)

        # as many as PyTorch itself asks for: a smaller team would dismiss the others for good
        threads, others = torch.get_num_threads(), _Callback(pieces)
        # Python looks for signals after a call has returned and not before it is made: whatever
        # they raise, the region that is begun is ended.
        try:
            begin(others, None, threads)
            pieces(None)
        finally:
            end()

    return run


def _in_threads_of_our_own(count: int, do: Callable[[int], None]) -> None:
    """What a signal raises here does not wait for the other pieces, which end by themselves."""
    with _one_thread_each():
        others = [_pool(os.getpid()).submit(do, piece) for piece in range(1, count)]
        do(0)
        wait(others)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    # a thread takes torch's number of threads over when it first asks for it
    return ThreadPoolExecutor(None, "pieces", initializer=torch.get_num_threads)
