"""What a report and a pruning check cost a trial, beside thousands of finished ones.

python -m benchmarks.scale.pruning --storages journal sqlite --trials 100 1000 10000

Every row is a process of its own. "First" is from opening the storage to the first answer; of the
trial's other epochs the median and the slowest are given. CPU time of the process, and the clock's.
Plain Optuna is `JournalFileBackend` or `RDBStorage`, and the same `MedianPruner`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import optuna

from benchmarks.scale import studies

PRUNER = {"n_startup_trials": 5, "n_warmup_steps": 10}


def ours(url: str) -> Callable[[float, int], bool]:
    """`report and check` of a new trial, as a job of a search does it."""
    from trialsmith.search.storage import open_storage
    from trialsmith.search.trial import attach

    storage = open_storage(url)
    study_id = storage.get_study_id_from_name(studies.NAME)
    number = storage.get_trial_number_from_id(storage.create_new_trial(study_id))
    handle = attach(storage, studies.NAME, number, optuna.pruners.MedianPruner(**PRUNER))

    def step(value: float, epoch: int) -> bool:
        try:
            handle.report(value, epoch)
        except optuna.TrialPruned:
            return True
        return False

    return step


def plain(url: str) -> Callable[[float, int], bool]:
    """The same by Optuna alone."""
    scheme, _, path = url.partition("://")
    storage: optuna.storages.BaseStorage
    if scheme == "journal":
        backend = optuna.storages.journal.JournalFileBackend(path)
        storage = optuna.storages.JournalStorage(backend)
    else:
        storage = optuna.storages.RDBStorage(url)
    pruner = optuna.pruners.MedianPruner(**PRUNER)
    study = optuna.load_study(
        study_name=studies.NAME,
        storage=storage,
        pruner=pruner,
        sampler=optuna.samplers.RandomSampler(),
    )
    trial = study.ask()

    def step(value: float, epoch: int) -> bool:
        trial.report(value, epoch)
        return trial.should_prune()

    return step


def measure(way: str, url: str) -> dict[str, float]:
    """CPU and clock seconds of the first check and of one among the others."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    begun, clock = time.process_time(), time.perf_counter()
    step = {"ours": ours, "plain Optuna": plain}[way](url)
    values = [1 / (1 + epoch) - 1 for epoch in range(studies.EPOCHS)]  # never the worse half
    answers = [step(values[0], 0)]
    first = time.process_time() - begun, time.perf_counter() - clock
    spent = []
    for epoch, value in enumerate(values[1:], start=1):
        begun, clock = time.process_time(), time.perf_counter()
        answers.append(step(value, epoch))
        spent.append((time.process_time() - begun, time.perf_counter() - clock))
    assert not any(answers)
    cpu, by_clock = zip(*spent, strict=True)
    return {
        "first_cpu": first[0],
        "first": first[1],
        "cpu": statistics.median(cpu),
        "clock": statistics.median(by_clock),
        "slowest": max(cpu),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--storages", nargs="+", default=["journal", "sqlite"])
    parser.add_argument("--trials", nargs="+", type=int, default=[100, 1000, 10_000])
    parser.add_argument("--ways", nargs="+", default=["plain Optuna", "ours"])
    parser.add_argument("--folder", type=Path, help="keep the studies there, to be used again")
    parser.add_argument("--one", nargs=2, metavar=("WAY", "URL"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(*asked.one)))
        return
    print("| storage | finished trials | | first: CPU (clock) | others: CPU (clock) | slowest |")
    print("| --- | ---: | --- | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for kind in asked.storages:
            for trials in asked.trials:
                path = (asked.folder or Path(folder)) / f"{kind}-{trials}" / f"study.{kind}"
                make = {"journal": studies.journal, "sqlite": studies.sqlite}[kind]
                url = f"{kind}:///{path}" if kind == "sqlite" else f"{kind}://{path}"
                url = url if path.exists() else make(path, trials)
                if kind == "journal" and "ours" in asked.ways:
                    _one("ours", url)  # as the sweep does before its trials
                for way in asked.ways:
                    found = _one(way, url)
                    print(
                        f"| {kind} | {trials} | {way} | {found['first_cpu']:.3g} s "
                        f"({found['first']:.3g}) | {found['cpu'] * 1e3:.2f} ms "
                        f"({found['clock'] * 1e3:.2f}) | {found['slowest'] * 1e3:.1f} ms |",
                        flush=True,
                    )


def _one(way: str, url: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.scale.pruning", "--one", way, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
