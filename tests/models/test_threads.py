"""Work that is shared out among the threads of PyTorch, and others where those cannot be had."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import no_type_check

import numpy as np
import pytest
import torch
from numba import types

from trialsmith.models import threads
from trialsmith.models.kernels import team
from trialsmith.models.kernels.team import Shared
from trialsmith.models.shares import bounds_of, shares_of

_TASKS = Path("/proc/self/task")
_without_openmp = pytest.mark.skipif(
    not team._HAS_OPENMP, reason="PyTorch does not compute with GNU's OpenMP here"
)


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
        monkeypatch.setattr(add_up, "_of_all", None)
    elif not team._HAS_OPENMP:
        pytest.skip("PyTorch does not compute with GNU's OpenMP here")


@Shared
@no_type_check
def add_up(k, shares, x, pair, sums):
    """Of x, to the share's sum, once for each array of the pair."""
    for n in range(shares[k], shares[k + 1]):
        if x[n] < 0:
            raise ValueError("negative")
        for other in pair:
            sums[k] += x[n] * other[n]


def sums_of(x: np.ndarray, threads: int) -> np.ndarray:
    shares = shares_of(len(x), threads)
    sums = np.zeros(len(shares))
    add_up(bounds_of(shares), x, (np.ones(len(x)), x), sums)
    return sums


@pytest.mark.usefixtures("_whose")
@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
def test_every_share_is_done_once(count: int) -> None:
    x = np.arange(1000.0)
    expected = [sum(x[n] + x[n] ** 2 for n in share) for share in shares_of(1000, count)]
    for _ in range(20):
        np.testing.assert_allclose(sums_of(x, count), expected)


@pytest.mark.usefixtures("_whose")
@pytest.mark.parametrize("wrong", [0, 500, 999])
def test_what_goes_wrong_in_a_share_is_raised(wrong: int) -> None:
    x = np.arange(1000.0)
    x[wrong] = -1
    with pytest.raises((RuntimeError, ValueError), match=r"was not done|negative"):
        sums_of(x, 3)


def test_views_of_what_is_shared_do_not_end_it() -> None:
    """Kernels do not count who owns an array: what they were given must stay as it was owned."""
    x = np.arange(1000.0)
    before = sys.getrefcount(x)
    for _ in range(100):
        sums_of(x, 3)
    assert sys.getrefcount(x) == before
    np.testing.assert_array_equal(x, np.arange(1000.0))


def test_kernels_of_one_name_are_told_apart() -> None:
    """Also where they stand in one file, and what was compiled is kept."""

    def writes_one() -> Shared:
        @Shared
        @no_type_check
        def write(k, shares, x):
            x[k] = 1

        return write

    def writes_two() -> Shared:
        @Shared
        @no_type_check
        def write(k, shares, x):
            x[k] = 2

        return write

    for make, expected in ((writes_one, 1), (writes_two, 2)):
        x = np.zeros(3)
        make()(np.arange(4), x)
        np.testing.assert_array_equal(x, expected)


@_without_openmp
def test_shares_are_worked_on_by_threads_of_their_own() -> None:
    number = types.ExternalFunction("trialsmith_omp_get_thread_num", types.int32())

    @Shared
    @no_type_check
    def who(k, shares, seen):
        seen[k] = number()

    seen = np.full(3, -1)
    who(np.arange(4), seen)
    assert sorted(seen) == [0, 1, 2]


@_without_openmp
@pytest.mark.skipif(not _TASKS.exists(), reason="the system does not list its threads here")
def test_few_shares_do_not_dismiss_the_other_threads() -> None:
    """OpenMP ends those that a smaller team has no need of, and begins others for the next."""
    sums_of(np.ones(100), 3)
    before = set(os.listdir(_TASKS))
    for _ in range(50):
        for count in (1, 2, 3):
            sums_of(np.ones(100), count)
        torch.ones(300, 300) @ torch.ones(300, 300)
    assert set(os.listdir(_TASKS)) <= before


def test_pieces_are_done_side_by_side() -> None:
    """Each waits for the others: one after the other they would wait for ever."""
    together = threading.Barrier(3, timeout=60)
    results: dict[int, int] = {}

    def work(piece: int) -> None:
        together.wait()
        results[piece] = threading.get_ident()

    threads.in_threads_of_our_own(3, work)
    assert results.keys() == {0, 1, 2}
    assert len(set(results.values())) == 3
    assert results[0] == threading.get_ident()


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_an_interrupt_or_error_comes_out_when_all_pieces_have_ended(wrong: int) -> None:
    done: list[int] = []

    def work(piece: int) -> None:
        if piece == wrong:
            raise KeyboardInterrupt
        done.append(piece)

    with pytest.raises(KeyboardInterrupt):
        threads.in_threads_of_our_own(3, work)
    assert sorted(done) == sorted({0, 1, 2} - {wrong})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked here")
@pytest.mark.parametrize("setting", ["OMP_THREAD_LIMIT=1", "OMP_DYNAMIC=true", "no setting"])
def test_all_shares_are_done_in_smaller_teams_and_after_a_fork(setting: str) -> None:
    name, _, value = setting.partition("=")
    program = """
import os, torch
import numpy as np
from trialsmith.models import kernels
torch.set_num_threads(3)
def shares():
    x, out = np.ones((3, 2)), np.zeros((3, 2))
    norm = kernels.step(kernels.Norming, x, scale=np.zeros(2), shift=np.full(2, 1e3))
    bounds = np.arange(4)
    kernels.activate(bounds, bounds, x, bounds[:3], x, norm, out)
    return (out == 1001).all()
assert shares()
child = os.fork()
if not child:
    os._exit(0 if shares() else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    environment = os.environ | ({name: value} if value else {})
    line = [sys.executable, "-W", "ignore", "-c", program]
    subprocess.run(line, env=environment, check=True, timeout=120)
