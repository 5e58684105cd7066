"""Trials per second, the use of slots, and what a warm trial costs, by whole searches.

python -m benchmarks.scale.slots speed --slots 1 2 4 8 16 32
python -m benchmarks.scale.slots use --slots 4 --trials 32

`use` runs trials of 0.5 to 8 s, log-uniform, the same for both sides: ours, and
hydra-optuna-sweeper with the joblib launcher, which ends a batch before it begins the next. Use is
the time that trials ran, over slots × time from the first beginning to the last end; imports are
outside of it. A warm trial's cost is what lies between the end of a trial and the beginning of the
next in its process.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

TASK = Path(__file__).parent / "task.py"
STOCK = (
    "hydra/sweeper=optuna",
    "hydra/launcher=joblib",
    "hydra.launcher.n_jobs={slots}",
)


def run(slots: int, trials: int, seconds: str, stock: bool = False) -> list[dict[str, Any]]:
    """When each trial of a search began and ended."""
    sweeper = [word.format(slots=slots) for word in STOCK] if stock else []
    words = [
        *sweeper,
        f"hydra.sweeper.n_jobs={slots}",
        f"hydra.sweeper.n_trials={trials}",
        f"seconds={seconds}",
    ]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, str(TASK), "-m", *words],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        lines = Path(folder, "times.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def speed(found: list[dict[str, Any]]) -> tuple[float, float]:
    """Trials per second, and the median of the milliseconds between two of a process."""
    begun, ended = min(t["begun"] for t in found), max(t["ended"] for t in found)
    gaps = []
    for pid in {t["pid"] for t in found}:
        mine = sorted((t for t in found if t["pid"] == pid), key=lambda t: t["begun"])
        gaps += [b["begun"] - a["ended"] for a, b in pairwise(mine)]
    return len(found) / (ended - begun), 1e3 * statistics.median(gaps)


def use(found: list[dict[str, Any]], slots: int) -> tuple[float, float]:
    """Share of the slots' time in which trials ran, and the seconds of the whole."""
    begun, ended = min(t["begun"] for t in found), max(t["ended"] for t in found)
    busy = sum(t["ended"] - t["begun"] for t in found)
    return busy / (slots * (ended - begun)), ended - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["speed", "use"])
    parser.add_argument("--slots", nargs="+", type=int, default=[1, 2, 4])
    parser.add_argument("--trials", type=int, default=0, help="in all; 0: 20 a slot")
    asked = parser.parse_args()
    if asked.what == "speed":
        print("| slots | trials/s | between two trials of a slot |\n| ---: | ---: | ---: |")
        for slots in asked.slots:
            each, gap = speed(run(slots, asked.trials or 20 * slots, "0"))
            print(f"| {slots} | {each:.1f} | {gap:.0f} ms |", flush=True)
        return
    print("| slots | trials | | the slots' use | seconds |\n| ---: | ---: | --- | ---: | ---: |")
    for slots in asked.slots:
        trials = asked.trials or 8 * slots
        for name, stock in (("stock sweeper, batches", True), ("ours", False)):
            share, seconds = use(run(slots, trials, "null", stock), slots)
            print(f"| {slots} | {trials} | {name} | {share:.0%} | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    main()
