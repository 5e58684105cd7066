"""Work in the threads of PyTorch, and in others where those cannot be had."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from trialsmith.models import threads
from trialsmith.models.shares import in_shares, shares_of


@pytest.fixture(autouse=True)
def _three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    assert torch.get_num_threads() == 3
    torch.set_num_threads(before)


@pytest.fixture(params=["PyTorch's threads", "threads of our own"])
def _whose(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "threads of our own":
        monkeypatch.setattr(threads, "_team", lambda: None)
    elif threads._team() is None:
        pytest.skip("PyTorch does not compute with GNU's OpenMP here")


@pytest.mark.usefixtures("_whose")
def test_pieces_are_done_side_by_side() -> None:
    """Each waits for the others: one after the other they would wait for ever."""
    together = threading.Barrier(3, timeout=60)
    results: dict[int, int] = {}

    def work(piece: int) -> None:
        together.wait()
        results[piece] = threading.get_ident()

    threads.in_threads(3, work)
    assert results.keys() == {0, 1, 2}
    assert len(set(results.values())) == 3
    assert results[0] == threading.get_ident()


def test_a_piece_that_is_not_begun_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a thread has no memory left to run Python."""
    monkeypatch.setattr(threads, "_team", lambda: lambda count, do: do(0))
    with pytest.raises(RuntimeError, match="piece 1 of 2 was not begun"):
        threads.in_threads(2, lambda piece: None)


@pytest.mark.skipif(threads._team() is None, reason="PyTorch's OpenMP is not GNU's here")
def test_few_pieces_do_not_dismiss_the_other_threads() -> None:
    """OpenMP ends those that a smaller team has no need of, and begins others for the next."""
    seen: set[int] = set()
    for _ in range(50):
        threads.in_threads(2, lambda piece: seen.add(threading.get_native_id()))
        threads.in_threads(3, lambda piece: seen.add(threading.get_native_id()))
        torch.ones(300, 300) @ torch.ones(300, 300)
    assert len(seen) <= 2 * 3


@pytest.mark.usefixtures("_whose")
def test_results_of_shares_are_in_their_order_and_an_error_is_raised() -> None:
    shares = shares_of(10)
    assert [x for share in in_shares(shares, list) for x in share] == list(range(10))
    assert in_shares(shares_of(0), list) == []
    for wrong in range(10):
        with pytest.raises(ZeroDivisionError):
            in_shares(shares, lambda share, wrong=wrong: [1 / (wrong - x) for x in share])


@pytest.mark.usefixtures("_whose")
def test_an_interrupt_ends_the_work_when_all_pieces_have_ended() -> None:
    done: list[int] = []

    def work(piece: int) -> None:
        if piece == 0:
            raise KeyboardInterrupt
        done.append(piece)

    with pytest.raises(KeyboardInterrupt):
        threads.in_threads(3, work)
    assert sorted(done) == [1, 2]


class _Signal(BaseException):
    pass


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers that send signals here")
@pytest.mark.skipif(threads._team() is None, reason="PyTorch's OpenMP is not GNU's here")
def test_what_a_signal_raises_comes_out() -> None:
    """Whenever it comes: a callback of C would swallow it."""
    came = raised = 0

    def interrupt(*_: object) -> None:
        nonlocal came
        came += 1
        raise _Signal

    def work(_: int) -> None:
        time.sleep(0.0003)

    gc.disable()  # what is raised in a callback of the collector (hypothesis has one) is lost too
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for delay in np.linspace(1e-5, 2e-3, 300):
            try:
                signal.setitimer(signal.ITIMER_REAL, delay)
                threads.in_threads(2, work)
                for _ in range(60_000):  # it comes after the work, maybe to a thread of OpenMP's
                    time.sleep(0.001)
            except _Signal:
                raised += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        gc.enable()
    assert raised == came == 300


@pytest.mark.usefixtures("_whose")
def test_nothing_is_differentiated_and_inference_stays_inference() -> None:
    x = torch.ones(3, requires_grad=True)
    modes: list[tuple[bool, bool]] = []

    def work(piece: int) -> None:
        modes.append(((x * piece).requires_grad, torch.is_inference_mode_enabled()))

    threads.in_threads(3, work)
    with torch.inference_mode():
        threads.in_threads(3, work)
    assert modes == [(False, False)] * 3 + [(False, True)] * 3
    assert (x * 2).requires_grad


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
@pytest.mark.parametrize("setting", ["OMP_THREAD_LIMIT=1", "OMP_DYNAMIC=true", "no setting"])
def test_all_pieces_are_done_in_smaller_teams_and_after_a_fork(setting: str) -> None:
    name, _, value = setting.partition("=")
    program = """
import os, sys, torch
from trialsmith.models.threads import in_threads
torch.set_num_threads(3)
def pieces():
    done = []
    in_threads(3, done.append)
    return sorted(done)
assert pieces() == [0, 1, 2]
child = os.fork()
if not child:
    os._exit(0 if pieces() == [0, 1, 2] else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    environment = os.environ | ({name: value} if value else {})
    line = [sys.executable, "-W", "ignore", "-c", program]
    subprocess.run(line, env=environment, check=True, timeout=120)
