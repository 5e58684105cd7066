"""Test accuracy of what `hparams_search=causal_sets` finds, on graphs that no choice has seen.

python benchmarks/graph_search.py                                       built-in causal sets
python benchmarks/graph_search.py FILE.h5 --overrides hydra.sweeper.n_trials=12
python benchmarks/graph_search.py FILE.h5 --inner                       folds within the search, too

Each fold in turn is held out. A search ranks its trials by the fold after it, or with --inner by
all others in turn. `trialsmith retrain` trains the best few anew over all others and with several
seeds, chooses among them by what each says on all of these folds, and what the chosen one's models
say together is scored on the fold that was held out, once. Prints a row of a Markdown table,
beside a logistic regression on three numbers of an order that trains on all that the search may
look at.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from graph_classifiers import ROOT, data_of, order, regression, told

SEEDS = "seed=0,1"
FEW = 4


def searched(data: list[str], held_out: str, fold: str, overrides: list[str]) -> float:
    """Test accuracy on the fold that is held out, of the best trial by `fold`."""
    folds = [f"data.held_out={held_out}", f"data.fold={fold}"]
    with tempfile.TemporaryDirectory() as folder:
        study, again = Path(folder) / "study", Path(folder) / "again"
        search = [sys.executable, "train.py", "-m", "hparams_search=causal_sets", *data, *folds]
        settings = [f"hydra.sweep.dir={study}", "plots=false", "logger=csv", *overrides]
        subprocess.run([*search, *settings], cwd=ROOT, check=True)
        retrain = [sys.executable, "-m", "trialsmith.cli", "retrain", str(study)]
        every = ["data.fold=all", SEEDS, "--top", str(FEW), "--output", str(again)]
        subprocess.run([*retrain, *every], cwd=ROOT, check=True)
        results: dict[str, Any] = json.loads((again / "final_results.json").read_text())
    (errors,) = results["ensemble"].values()
    return float(errors["accuracy"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--inner", action="store_true", help="choose by all other folds")
    parser.add_argument("--overrides", nargs="*", default=[], help="of the search")
    options = parser.parse_args()
    make, data = data_of(options.file)
    found, start = [], time.monotonic()
    names = make(fold="all").fold_names
    for held_out, after in zip(names, [*names[1:], names[0]], strict=True):
        fold = "all" if options.inner else after
        found.append(searched(data, held_out, fold, options.overrides))
        print(f"fold {held_out} held out: accuracy {found[-1]:.3f}", flush=True)
    minutes = (time.monotonic() - start) / 60
    name = options.file.name if options.file else "built in"
    print("| data | regression on three numbers | best of a search | minutes |")
    print("| --- | --- | --- | --- |")
    print(f"| {name} | {told(regression(make, order))} | {told(found)} | {minutes:.0f} |")


if __name__ == "__main__":
    main()
