"""What a report and a pruning check cost a trial, beside thousands of finished ones.

python -m benchmarks.scale.pruning --storages journal sqlite --trials 100 1000 10000
python -m benchmarks.scale.pruning --storages postgresql+psycopg://user:password@host/empty

Every row is a process of its own, in which two trials run one after the other. "First" is from
opening the storage to the first answer; of each trial's other epochs the mean is given, and of the
first trial the slowest. CPU time of the process, and the clock's. Plain Optuna is
`JournalFileBackend` or `RDBStorage`, and the same `MedianPruner`.
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
from typing import Any

import optuna

from benchmarks.scale import studies

PRUNER = {"n_startup_trials": 5, "n_warmup_steps": 10}

Begin = Callable[[], Callable[[float, int], bool]]
"""Begins a trial; what it returns reports and checks."""


def ours(url: str, name: str) -> Begin:
    """As the jobs of a search do it."""
    from trialsmith.search.storage import open_storage
    from trialsmith.search.trial import attach

    storage = open_storage(url)
    study_id = storage.get_study_id_from_name(name)

    def begin() -> Callable[[float, int], bool]:
        number = storage.get_trial_number_from_id(storage.create_new_trial(study_id))
        handle = attach(storage, name, number, optuna.pruners.MedianPruner(**PRUNER))

        def step(value: float, epoch: int) -> bool:
            try:
                handle.report(value, epoch)
            except optuna.TrialPruned:
                return True
            return False

        return step

    return begin


def plain(url: str, name: str) -> Begin:
    """The same by Optuna alone."""
    scheme, _, path = url.partition("://")
    storage: optuna.storages.BaseStorage
    if scheme == "journal":
        backend = optuna.storages.journal.JournalFileBackend(path)
        storage = optuna.storages.JournalStorage(backend)
    else:
        storage = optuna.storages.RDBStorage(url)
    study = optuna.load_study(
        study_name=name,
        storage=storage,
        pruner=optuna.pruners.MedianPruner(**PRUNER),
        sampler=optuna.samplers.RandomSampler(),
    )

    def begin() -> Callable[[float, int], bool]:
        trial = study.ask()

        def step(value: float, epoch: int) -> bool:
            trial.report(value, epoch)
            return trial.should_prune()

        return step

    return begin


def measure(way: str, url: str, name: str) -> dict[str, Any]:
    """CPU and clock seconds of the first check and of those of two trials."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    values = [1 / (1 + epoch) - 1 for epoch in range(studies.EPOCHS)]  # never the worse half
    watch = _Watch()
    begin = {"ours": ours, "plain Optuna": plain}[way](url, name)
    step = begin()
    answers = [step(values[0], 0)]
    first = watch()
    spent: list[list[tuple[float, float]]] = [[], []]
    for trial in spent:
        for epoch, value in enumerate(values[1:], start=1):
            watch = _Watch()
            answers.append(step(value, epoch))
            trial.append(watch())
        step = begin()
        step(values[0], 0)
    assert not any(answers)
    means = [[statistics.mean(column) for column in zip(*trial, strict=True)] for trial in spent]
    slowest = max(cpu for cpu, _ in spent[0])
    return {"first": first, "means": means, "slowest": slowest}


class _Watch:
    """CPU and clock seconds since it was made."""

    def __init__(self) -> None:
        self._begun = time.process_time(), time.perf_counter()

    def __call__(self) -> tuple[float, float]:
        cpu, clock = self._begun
        return time.process_time() - cpu, time.perf_counter() - clock


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--storages", nargs="+", default=["journal", "sqlite"])
    parser.add_argument("--trials", nargs="+", type=int, default=[100, 1000, 10_000])
    parser.add_argument("--ways", nargs="+", default=["plain Optuna", "ours"])
    parser.add_argument("--folder", type=Path, help="keep the studies there, to be used again")
    parser.add_argument("--one", nargs=3, metavar=("WAY", "URL", "NAME"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(*asked.one)))
        return
    print("| storage | finished trials | | first | one of the first trial | its slowest | ", end="")
    print("one of the second |\n| --- | ---: | --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        for kind in asked.storages:
            for trials in asked.trials:
                url, name = _study(kind, trials, asked.folder or Path(folder))
                if kind == "journal" and "ours" in asked.ways:
                    _one("ours", url, name)  # as the sweep does before its trials
                for way in asked.ways:
                    found = _one(way, url, name)
                    cells = [
                        *(kind.partition(":")[0], str(trials), way),
                        _shown(found["first"], 1, "s"),
                        _shown(found["means"][0], 1e3, "ms"),
                        f"{found['slowest'] * 1e3:.1f} ms",
                        _shown(found["means"][1], 1e3, "ms"),
                    ]
                    print(f"| {' | '.join(cells)} |", flush=True)


def _study(kind: str, trials: int, folder: Path) -> tuple[str, str]:
    """The URL and the name of a study, made if it is not there."""
    if "://" in kind:
        name = f"{studies.NAME}-{trials}"
        if name not in optuna.get_all_study_names(kind):
            studies.database(kind, trials, name)
        return kind, name
    path = folder / f"{kind}-{trials}" / f"study.{kind}"
    url = f"sqlite:///{path}" if kind == "sqlite" else f"journal://{path}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "sqlite":
            studies.database(url, trials)
        else:
            studies.journal(path, trials)
    return url, studies.NAME


def _shown(seconds: list[float], scale: float, unit: str) -> str:
    cpu, clock = seconds
    return f"{cpu * scale:.3g} {unit} ({clock * scale:.3g})"


def _one(way: str, url: str, name: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.scale.pruning", "--one", way, url, name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
