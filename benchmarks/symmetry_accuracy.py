"""Whether the graph up to symmetry harms accuracy: the same seeds on it and on the full graph.

    python benchmarks/symmetry_accuracy.py ../shared/data/crystals/mp20_text.csv

Small models are trained with the file's own split through `python train.py`, and the test split is
scored once, at the best validation epoch. Told are the mean MAE of each graph, of their paired
difference, and 95 % confidence intervals by Student's t.
"""

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import t
from training import ROOT, trained

# Small enough that ten trainings, five of them on the full graph, take minutes of one core.
SMALL = (
    *("model.alignn_layers=2", "model.gcn_layers=2", "model.hidden_features=32"),
    *("model.embedding_features=32", "fusion=none", "text=none", "data.batch_size=32"),
    *("data.n_train=400", "threads=1", "plots=false"),
)
GRAPHS = {"full graph": "false", "up to symmetry": "true"}


def main() -> None:
    arguments = parse()
    maes = {
        name: np.array([mae(arguments, symmetry, seed) for seed in range(arguments.seeds)])
        for name, symmetry in GRAPHS.items()
    }
    full, reduced = maes.values()
    print(f"{arguments.target}, {arguments.epochs} epochs, {arguments.seeds} seeds, test MAE\n")
    print("| | mean | 95 % interval | of each seed |\n| --- | ---: | ---: | --- |")
    for name, values in {**maes, "up to symmetry − full": reduced - full}.items():
        low, high = interval(values)
        each = ", ".join(f"{value:.4f}" for value in values)
        print(f"| {name} | {values.mean():.4f} | {low:.4f} to {high:.4f} | {each} |")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="crystals, as data.path takes them")
    parser.add_argument("--target", default="formation_energy_per_atom_eV")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--overrides", nargs="*", default=[], help="passed on to train.py")
    return parser.parse_args()


def mae(arguments: argparse.Namespace, symmetry: str, seed: int) -> float:
    """Test MAE of one training through the command line."""
    folder = ROOT / "outputs" / "symmetry_accuracy" / f"{arguments.target}-{symmetry}-{seed}"
    run = [
        *("data=crystals", f"data.path={arguments.data.resolve()}"),
        *(f"data.target={arguments.target}", f"data.graph.symmetry={symmetry}", f"seed={seed}"),
        f"trainer.max_epochs={arguments.epochs}",
    ]
    metrics = trained(folder, [*run, *SMALL, *arguments.overrides])
    return metrics["test"][arguments.target]["mae"]


def interval(values: np.ndarray) -> tuple[float, float]:
    """95 % confidence interval of the mean of a few normal draws."""
    n = len(values)
    half = t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n) if n > 1 else np.nan
    return values.mean() - half, values.mean() + half


if __name__ == "__main__":
    main()
