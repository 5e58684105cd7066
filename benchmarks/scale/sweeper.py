"""What a sweeper costs: CPU time a trial, and memory, beside thousands of finished trials.

python -m benchmarks.scale.sweeper --trials 0 1000 10000

The trials themselves take no time and run in the sweeper's process; every row is a process of its
own. Memory is its peak, above what it holds after the imports.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.samplers import RandomSampler, TPESampler

from benchmarks.scale import studies
from trialsmith.search.budget import counted
from trialsmith.search.memory import peak_megabytes
from trialsmith.search.opening import StudyPlan, open_study
from trialsmith.search.outcome import Outcome
from trialsmith.search.reading import Fixed, read
from trialsmith.search.rules import Rules
from trialsmith.search.slots import Ended, Slots
from trialsmith.search.space import Space
from trialsmith.search.storage import storage_url
from trialsmith.search.sweep import Sweep
from trialsmith.search.worker import Job

ENTRIES = {"x": {"low": 0.0, "high": 1.0}, "lr": {"low": 1e-5, "high": 1e-1, "log": True}}
SAMPLERS = {"tpe": TPESampler, "random": RandomSampler}


class AtOnce(Slots):
    """One slot, whose job is over when it is waited for."""

    def __init__(self) -> None:
        super().__init__(1)
        self._jobs: list[int] = []

    @property
    def running(self) -> set[int]:
        return set(self._jobs)

    def start(self, job: Job) -> None:
        self._jobs.append(job.number)

    def wait(self, timeout: float) -> list[Ended]:
        ended, self._jobs = self._jobs, []
        return [Ended(number, Outcome("complete", (float(number % 7),))) for number in ended]

    def end(self, number: int, why: str) -> None:
        self._jobs.remove(number)

    def stop(self) -> None:
        self._jobs.clear()


def measure(folder: Path, sampler: str, more: int) -> dict[str, float]:
    """CPU seconds to open a study and for each of `more` trials, and memory in MB."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.disable()
    warnings.simplefilter("ignore")
    before = peak_megabytes()
    begun = time.process_time()
    space = Space(
        tuple(read(key, entry, lambda _, text: Fixed(text)) for key, entry in ENTRIES.items())
    )
    url = storage_url("journal", folder)
    study = open_study(StudyPlan(studies.NAME, folder, url, ("minimize",), space, {}))
    opened = time.process_time() - begun
    sweep = Sweep(
        study,
        space,
        Rules(n_trials=counted(study) + more, seed=0),
        AtOnce(),
        turns=FileLock(folder / ".lock"),
        make_sampler=lambda seed: SAMPLERS[sampler](seed=seed),
        make_job=lambda number, point: Job(number, ()),
    )
    begun = time.process_time()
    sweep.run()
    each = (time.process_time() - begun) / more
    return {"opened": opened, "each": each, "memory": peak_megabytes() - before}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", nargs="+", type=int, default=[0, 1000, 10_000])
    parser.add_argument("--samplers", nargs="+", default=["random", "tpe"], choices=SAMPLERS)
    parser.add_argument("--more", type=int, default=20, help="trials to run")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        folder, sampler = asked.one
        print(json.dumps(measure(Path(folder), sampler, asked.more)))
        return
    print("| finished trials | sampler | to open | a trial | memory |")
    print("| ---: | --- | ---: | ---: | ---: |")
    for trials in asked.trials:
        for sampler in asked.samplers:
            with tempfile.TemporaryDirectory() as folder:
                studies.journal(Path(folder, "study.journal"), trials)
                words = ["--more", str(asked.more), "--one", folder, sampler]
                command = [sys.executable, "-m", "benchmarks.scale.sweeper", *words]
                subprocess.run(command, capture_output=True, check=True)  # leaves the state
                done = subprocess.run(command, capture_output=True, text=True, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            print(
                f"| {trials} | {sampler} | {found['opened']:.2f} s | {found['each'] * 1e3:.0f} ms "
                f"| {found['memory']:.0f} MB |",
                flush=True,
            )


if __name__ == "__main__":
    main()
