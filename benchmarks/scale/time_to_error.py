"""How long a search takes to reach a given validation MAE: ours, and the stock sweeper.

python -m benchmarks.scale.time_to_error --errors 0.06 0.05 --seeds 0 1 2 --trials 16

The task is real: a small ALIGNN with text on the built-in alloys. Both sides get the same space,
sampler, seeds, number of trials, slots and threads; caches are warm. Ours prunes
(`--pruner none`: it does not) and refills its slots as they come free; hydra-optuna-sweeper, with
the joblib launcher, does neither. Seconds count from the start of the command, imports and all, to
the moment at which a trial has stored its result. The larger task of the same kind:
`--limit 500 --epochs 30 --trials 50 --widths 32 64 128`.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

TRAIN = Path(__file__).parents[2] / "train.py"
# null in our files stands for Optuna's own value, which the stock sweeper does not know
SAMPLER = {
    "n_startup_trials": 5,
    "n_ei_candidates": 24,
    "multivariate": True,
    "group": False,
    "constant_liar": True,
}


@dataclass(frozen=True)
class Found:
    """A whole search: the end of each complete trial in seconds, with its score, and its own."""

    trials: list[tuple[float, float]]
    seconds: float

    def reached(self, error: float) -> float:
        """Seconds until a trial was as good; ∞ if none was."""
        return min((at for at, score in self.trials if score <= error), default=math.inf)


def task(asked: argparse.Namespace) -> list[str]:
    """What is trained, and what is searched."""
    return [
        f"data.limit={asked.limit}",
        f"data.cache_dir={asked.cache}",
        f"trainer.max_epochs={asked.epochs}",
        "plots=false",
        "threads=1",
        "logger=csv",
        "model.alignn_layers=range(2,4)",  # text is fused in after the second
        "model.gcn_layers=range(1,4)",
        f"model.hidden_features=choice({','.join(map(str, asked.widths))})",
        "data.batch_size=choice(16,32,64)",
        "optimizer.lr=tag(log, interval(1e-4, 1e-1))",
        "model.dropout=interval(0.0, 0.5)",
    ]


def sweeper(asked: argparse.Namespace, stock: bool) -> list[str]:
    """The words that choose a side."""
    if stock:
        return [
            *("hydra/sweeper=optuna", "hydra/launcher=joblib"),
            *(f"hydra.launcher.n_jobs={asked.slots}", "hydra.sweeper.direction=minimize"),
        ]
    # by default beyond the peak of the learning rate's one cycle, at 0.3 of all steps
    warm_up = asked.epochs // 3 if asked.warm_up is None else asked.warm_up
    rule = [] if asked.pruner == "none" else [f"hydra.sweeper.pruner.n_warmup_steps={warm_up}"]
    return [f"hydra/sweeper/pruner={asked.pruner}", *rule]


def search(asked: argparse.Namespace, seed: int, stock: bool) -> Found:
    """Run one search to its end."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            *sweeper(asked, stock),
            "hydra/sweeper/sampler=tpe",
            *(f"hydra.sweeper.sampler.{key}={value}" for key, value in SAMPLER.items()),
            f"hydra.sweeper.sampler.seed={seed}",
            f"hydra.sweeper.n_trials={asked.trials}",
            f"hydra.sweeper.n_jobs={asked.slots}",
            f"hydra.sweep.dir={folder}/search",
            "hydra.sweep.subdir=${hydra.job.num}",
            *task(asked),
        ]
        begun = time.time()
        done = subprocess.run(
            [sys.executable, str(TRAIN), "-m", *words], cwd=folder, capture_output=True, text=True
        )
        seconds = time.time() - begun
        if done.returncode:
            raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
        results = sorted(Path(folder).rglob("metrics.json"))
        scores = [(path.stat().st_mtime - begun, json.loads(path.read_text())) for path in results]
    return Found([(at, float(result["best"])) for at, result in scores], seconds)


def warm(asked: argparse.Namespace) -> None:
    """Fill the caches, which both sides would find on their second day."""
    with tempfile.TemporaryDirectory() as folder:
        words = [word for word in task(asked) if "(" not in word]
        subprocess.run(
            [sys.executable, str(TRAIN), *words, "trainer.max_epochs=1", "score_test=false"],
            cwd=folder,
            check=True,
            capture_output=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--errors", nargs="+", type=float, default=[0.06, 0.05], help="eV/atom")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="of the sampler")
    parser.add_argument("--trials", type=int, default=16)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--limit", type=int, default=200, help="crystals")
    parser.add_argument("--widths", nargs="+", type=int, default=[16, 32, 64])
    parser.add_argument("--pruner", default="median")
    parser.add_argument("--warm-up", type=int, help="epochs before it prunes; a third of all")
    parser.add_argument("--cache", type=Path, help="where the data's caches are kept")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asked.cache = (asked.cache or Path(folder)).absolute()
        warm(asked)
        found: dict[str, list[Found]] = {"stock sweeper": [], "ours": []}
        for seed in asked.seeds:
            for side, searches in found.items():
                searches.append(search(asked, seed, side != "ours"))
    heads = [f"seconds to {error:g} eV/atom" for error in asked.errors]
    print(f"| | {' | '.join(heads)} | the whole search | best MAE | trials to the end |")
    print(f"| --- |{' ---: |' * (len(heads) + 3)}")
    for side, searches in found.items():
        print(f"| {side} | {' | '.join(row(searches, asked.errors))} |")


def row(searches: list[Found], errors: list[float]) -> list[str]:
    """Medians over the seeds, and each seed's own."""
    reached = [[each.reached(error) for each in searches] for error in errors]
    best = [min(score for _, score in each.trials) for each in searches]
    return [
        *(f"{statistics.median(times):.0f} ({_listed(times, '.0f')})" for times in reached),
        f"{statistics.median(each.seconds for each in searches):.0f}",
        f"{statistics.median(best):.4f} ({_listed(best, '.4f')})",
        _listed([len(each.trials) for each in searches], "d"),
    ]


def _listed(values: list[float] | list[int], form: str) -> str:
    return ", ".join(format(value, form) for value in values)


if __name__ == "__main__":
    main()
