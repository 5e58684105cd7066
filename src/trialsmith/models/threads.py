"""Threads of our own, where those of PyTorch cannot be had."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache

import torch


def in_threads_of_our_own(count: int, work: Callable[[int], object]) -> None:
    """work(0) … work(count - 1), side by side in a pool of threads; PyTorch has one in each.

    What a piece raises, here also by a signal, is raised when all have come to their end.
    """
    with _one_thread_each():
        others = [_pool(os.getpid()).submit(work, piece) for piece in range(1, count)]
        try:
            work(0)
        finally:
            wait(others)
    for other in others:
        other.result()


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
