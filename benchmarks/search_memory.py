"""Does a search grow? Resident memory of one slot after each of its trials.

    python benchmarks/search_memory.py            # 100 trials each: ALIGNN with text, and a CNN
    python benchmarks/search_memory.py --trials 30 --only CNN

All trials have one configuration and seeds of their own, so that what grows is what stays. Memory
is what the slot's process holds between two trials, read every few milliseconds from the kernel;
the peak is each trial's own.
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

import optuna
import psutil
from training import ROOT

from trialsmith.study.locate import open_study

WIDTH = 5  # trials around a place in the sequence, whose median is told
EVERY = 0.005  # s
SEARCHES = {
    "ALIGNN with text": [
        *("hparams_search=alignn_fusion", "fusion=middle", "data.limit=60"),
        *("model.alignn_layers=2", "model.gcn_layers=2", "model.hidden_features=64"),
        *("model.embedding_features=32", "model.edge_input_features=40"),
        *("model.triplet_input_features=20", "model.dropout=0.1", "optimizer.lr=1e-3"),
        *("optimizer.weight_decay=1e-5", "data.batch_size=16", "fusion.middle.use=true"),
        *("fusion.middle.layers='1'", "fusion.middle.hidden_dim=64"),
        *("fusion.middle.num_heads=2", "fusion.middle.dropout=0.1"),
    ],
    "CNN on signals": [
        *("hparams_search=cnn_flow", "data.dimensions=1", "data.n=60", "loss=mse"),
        *("model.hidden=32", "model.dropout_rate=0.1", "model.use_residual=true"),
        *("optimizer.lr=1e-3", "optimizer.weight_decay=1e-5", "data.batch_size=8"),
        "data.downsample_factor=2",
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--only", default="", help="searches whose name begins so")
    chosen = parser.parse_args()
    print(
        "| search | trials | after trial 5, MB | after the last, MB | growth | growth of the peak |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for name, overrides in SEARCHES.items():
        if not name.startswith(chosen.only):
            continue
        resident, peaks = searched(overrides, chosen.trials)
        (early, late), (low, high) = ends(resident), ends(peaks)
        print(
            f"| {name} | {len(peaks)} | {early:.0f} | {late:.0f} | {late / early - 1:+.1%} "
            f"| {high / low - 1:+.1%} |",
            flush=True,
        )


def ends(values: Sequence[float]) -> tuple[float, float]:
    """Medians about the fifth value and of the last ones."""
    return statistics.median(values[3 : 3 + WIDTH]), statistics.median(values[-WIDTH:])


def searched(overrides: Sequence[str], trials: int) -> tuple[list[float], list[float]]:
    """Runs a search of one slot; its memory after each trial and the peaks, MB."""
    folder = ROOT / "multirun" / "search_memory"
    shutil.rmtree(folder, ignore_errors=True)
    command = [
        *(sys.executable, "train.py", "-m", *overrides, f"seed=range(0,{trials})", "plots=false"),
        *("trainer.max_epochs=2", "hydra/sweeper/sampler=grid", "hydra/sweeper/pruner=none"),
        *(f"hydra.sweeper.n_trials={trials}", "hydra.sweeper.n_jobs=1"),
        f"hydra.sweeper.study_name={folder.name}",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as search:
        seen = watched(search)
    if search.returncode:
        sys.exit(f"the search ended with {search.returncode}")
    done = open_study(folder, None).get_trials(states=[optuna.trial.TrialState.COMPLETE])
    starts = [trial.datetime_start.timestamp() for trial in done[1:]] + [float("inf")]
    gaps = zip((trial.datetime_complete.timestamp() for trial in done), starts, strict=True)
    resident = [
        min(memory for at, memory in seen if begin <= at <= end)
        for begin, end in gaps
        if any(begin <= at <= end for at, _ in seen)
    ]
    return resident, [trial.user_attrs["peak_memory_MB"] for trial in done]


def watched(search: subprocess.Popen[bytes]) -> list[tuple[float, float]]:
    """(time, MB) of the largest process under the search, for as long as it runs."""
    seen, slot, parent = [], None, psutil.Process(search.pid)
    looked = 0.0
    while search.poll() is None:
        time.sleep(EVERY)
        try:
            if slot is None or time.time() > looked + 5:
                looked = time.time()
                slot = max(parent.children(recursive=True), key=resident_bytes, default=None)
            if slot is not None:
                seen.append((time.time(), resident_bytes(slot) / 2**20))
        except psutil.Error:
            slot = None
    return seen


def resident_bytes(process: psutil.Process) -> int:
    return process.memory_info().rss


if __name__ == "__main__":
    main()
