"""Workers elsewhere: whatever ends one, its trial is neither lost nor run twice at a time."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cloudpickle
import psutil
import pytest

from trialsmith.errors import SearchError
from trialsmith.search import ownership
from trialsmith.search.outcome import Outcome
from trialsmith.search.slots import Ended
from trialsmith.search.worker import Job
from trialsmith.search.workers import WorkerSlots
from trialsmith.search.workplace import Workplace

pytestmark = pytest.mark.slow  # processes are started and waited for

SECONDS = 60.0
BEGIN = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb')).work(int(sys.argv[2]))"


def payload() -> bytes:
    """A task that does what the override says: `score`, `wait` for a file, or `die`."""

    class Run:
        def get_ready(self) -> None:
            pass

        def __call__(self, job: Job) -> Outcome:
            import os
            import signal
            import time
            from pathlib import Path

            word, _, value = job.overrides[0].partition("=")
            if word == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if word == "wait":
                with Path(f"{value}.begun").open("a") as file:
                    file.write(f"{os.getpid()}\n")
                while not Path(value).exists():
                    time.sleep(0.05)
            return Outcome("complete", (float(job.number),))

    return cloudpickle.dumps(Run())


class Cluster:
    """Launches the jobs of workers as processes of this machine."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self.processes: dict[int, subprocess.Popen] = {}
        place = Workplace(folder / "box", ownership.me(), payload(), {})
        (folder / "place").write_bytes(pickle.dumps(place))
        self.slots = WorkerSlots(count, folder / "box", ownership.me(), self.launch, lambda: None)

    def launch(self, number: int) -> None:
        words = [sys.executable, "-c", BEGIN, str(self.folder / "place"), str(number)]
        process = self.processes[number] = subprocess.Popen(words)
        if process.wait() != 0:
            raise RuntimeError(f"exit code {process.returncode}")

    def free(self, count: int) -> None:
        self._until(lambda: self.slots.free >= count)

    def ended(self, count: int) -> list[Ended]:
        found: list[Ended] = []
        self._until(lambda: len(found) >= count, found)
        return sorted(found, key=lambda end: end.number)

    def until(self, ready: Callable[[], bool]) -> None:
        assert self._until(ready) == []

    def _until(self, ready: Callable[[], bool], found: list[Ended] | None = None) -> list[Ended]:
        found = [] if found is None else found
        deadline = time.monotonic() + SECONDS
        while not ready():
            assert time.monotonic() < deadline, "it did not happen"
            found += self.slots.wait(0.1)
        return found


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Callable[[int], Cluster]]:
    made: list[Cluster] = []

    def make(count: int) -> Cluster:
        made.append(Cluster(tmp_path, count))
        return made[-1]

    yield make
    for one in made:
        one.slots.stop()
        for process in one.processes.values():
            process.kill()


def waiting(folder: Path, number: int) -> Job:
    return Job(number, (f"wait={folder / str(number)}",))


def pids(folder: Path, number: int) -> list[int]:
    """Of the processes in which the trial has begun."""
    path = folder / f"{number}.begun"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def test_one_worker_runs_many_trials(cluster: Callable[[int], Cluster], tmp_path: Path) -> None:
    one = cluster(1)
    assert one.slots.free == 0  # before it has begun
    for number in range(3):
        one.free(1)
        one.slots.start(Job(number, ("score",)))
        assert one.slots.running == {number}
        (end,) = one.ended(1)
        assert end == Ended(number, Outcome("complete", (float(number),)))
    assert len(one.processes) == 1
    one.slots.stop()
    assert one.processes[0].wait(SECONDS) == 0


def test_a_trial_that_is_killed_leaves_its_worker(cluster: Callable[[int], Cluster]) -> None:
    one = cluster(1)
    one.free(1)
    one.slots.start(Job(0, ("die",)))
    (end,) = one.ended(1)
    assert end.outcome is None
    assert "SIGKILL" in end.cause
    one.free(1)
    assert len(one.processes) == 1


def test_a_worker_that_is_killed_costs_its_own_trial(
    cluster: Callable[[int], Cluster], tmp_path: Path
) -> None:
    pair = cluster(2)
    pair.free(2)
    for number in range(2):
        pair.slots.start(waiting(tmp_path, number))
    pair.until(lambda: bool(pids(tmp_path, 0) and pids(tmp_path, 1)))
    trial = psutil.Process(pids(tmp_path, 0)[0])
    worker = trial.parent()
    worker.kill()
    (end,) = pair.ended(1)
    assert (end.number, end.outcome) == (0, None)
    assert "was lost" in end.cause
    pair.until(lambda: not trial.is_running() or trial.status() == psutil.STATUS_ZOMBIE)
    pair.free(1)  # another worker has been hired
    assert pair.slots.running == {1}
    (tmp_path / "1").touch()
    (end,) = pair.ended(1)
    assert end.outcome == Outcome("complete", (1.0,))


@pytest.mark.parametrize("notice", [signal.SIGTERM, signal.SIGUSR2])
def test_a_trial_goes_on_elsewhere_when_its_worker_must_end(
    cluster: Callable[[int], Cluster], tmp_path: Path, notice: signal.Signals
) -> None:
    one = cluster(1)
    one.free(1)
    one.slots.start(waiting(tmp_path, 0))
    one.until(lambda: len(pids(tmp_path, 0)) == 1)
    os.kill(one.processes[0].pid, notice)
    one.until(lambda: len(pids(tmp_path, 0)) == 2)  # and no end was heard of
    assert one.processes[0].wait(SECONDS) == 0
    (tmp_path / "0").touch()
    (end,) = one.ended(1)
    assert end.outcome == Outcome("complete", (0.0,))


def test_a_trial_that_hangs_is_ended_and_says_why(
    cluster: Callable[[int], Cluster], tmp_path: Path
) -> None:
    one = cluster(1)
    one.free(1)
    one.slots.start(waiting(tmp_path, 0))
    one.until(lambda: len(pids(tmp_path, 0)) == 1)
    one.slots.end(0, "no report")
    (end,) = one.ended(1)
    assert end == Ended(0, None, "no report")


def test_workers_without_work_are_let_go_but_one(cluster: Callable[[int], Cluster]) -> None:
    pair = cluster(2)
    pair.free(2)
    pair.slots.rest()
    pair.until(lambda: 0 in [process.poll() for process in pair.processes.values()])
    assert pair.slots.free == 1
    assert len(pair.processes) == 2


def test_jobs_that_never_begin_end_the_search(tmp_path: Path) -> None:
    def launch(number: int) -> None:
        raise RuntimeError("sbatch: error: invalid partition")

    slots = WorkerSlots(1, tmp_path / "box", ownership.me(), launch, lambda: None)
    with pytest.raises(SearchError, match="invalid partition"):
        slots.wait(SECONDS)
    slots.stop()


def test_a_worker_ends_with_its_sweep(tmp_path: Path) -> None:
    words = [sys.executable, "-c", BEGIN, str(tmp_path / "place"), "0"]
    gone = subprocess.Popen(["true"])
    gone.wait()
    owner = ":".join([ownership.host(ownership.me()), str(gone.pid), "0"])
    place = Workplace(tmp_path / "box", owner, payload(), {})
    (tmp_path / "place").write_bytes(pickle.dumps(place))
    assert subprocess.run(words, timeout=SECONDS, check=False).returncode == 0
