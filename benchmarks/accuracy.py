"""ALIGNN, graph only and with text, beside a random forest on the composition: the same rows.

    python benchmarks/accuracy.py ../shared/data/crystals/mp20_text.csv --epochs 100

Each model is trained with the file's own split through `python train.py`; the test split is scored
once, at the best validation epoch. The forest sees element fractions and averaged element
properties and nothing of the structure.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from ase.data import atomic_masses, atomic_numbers, covalent_radii
from ase.formula import Formula
from sklearn.ensemble import RandomForestRegressor
from training import ROOT, trained

from trialsmith.models.elements import element_features

MODELS = {"ALIGNN, graph only": "none", "ALIGNN with text": "middle"}


def main() -> None:
    arguments = parse()
    table = pd.read_csv(arguments.data)
    print(f"{len(table)} crystals of {arguments.data}: {dict(table['split'].value_counts())}")
    for target in arguments.targets:
        print(f"\n{target}: test MAE")
        mean, forest = baselines(table, target)
        print(f"  {'mean of the training split':28s} {mean:.4f}")
        print(f"  {'random forest, composition':28s} {forest:.4f}")
        for name, fusion in MODELS.items():
            maes = [alignn(arguments, target, fusion, seed) for seed in range(arguments.seeds)]
            print(f"  {name:28s} {np.mean(maes):.4f}  {np.round(maes, 4).tolist()}", flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="CSV with columns formula, split and the targets")
    parser.add_argument(
        "--targets", nargs="+", default=["formation_energy_per_atom_eV", "band_gap_eV"]
    )
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--overrides", nargs="*", default=[], help="passed on to train.py")
    return parser.parse_args()


def baselines(table: pd.DataFrame, target: str) -> tuple[float, float]:
    """Test MAE of the training mean and of a random forest."""
    x = np.stack([composition(formula) for formula in table["formula"]])
    y, split = table[target].to_numpy(), table["split"].to_numpy()
    train, test = split == "train", split == "test"
    forest = RandomForestRegressor(500, n_jobs=-1, random_state=0).fit(x[train], y[train])
    error = np.abs(forest.predict(x[test]) - y[test]).mean()
    return float(np.abs(y[test] - y[train].mean()).mean()), float(error)


def composition(formula: str) -> np.ndarray:
    """Element fractions; mean, spread, least and greatest of what is known of the elements."""
    counts = Formula(formula).count()
    numbers = np.array([atomic_numbers[symbol] for symbol in counts])
    weights = np.array(list(counts.values()), dtype=float)
    weights /= weights.sum()
    fractions = np.zeros(101)
    fractions[numbers] = weights
    properties = np.column_stack(
        [numbers, atomic_masses[numbers], covalent_radii[numbers], element_features()[numbers]]
    )
    mean = weights @ properties
    spread = np.sqrt(weights @ (properties - mean) ** 2)
    return np.concatenate([fractions, mean, spread, properties.min(0), properties.max(0)])


def alignn(arguments: argparse.Namespace, target: str, fusion: str, seed: int) -> float:
    """Test MAE of one training through the command line."""
    folder = ROOT / "outputs" / "accuracy" / f"{target}-{fusion}-{seed}"
    run = [
        *("data=crystals", f"data.path={arguments.data.resolve()}", f"data.target={target}"),
        *(f"fusion={fusion}", f"seed={seed}", f"trainer.max_epochs={arguments.epochs}"),
    ]
    metrics = trained(folder, [*run, *arguments.overrides])
    return metrics["test"][target]["mae"]


if __name__ == "__main__":
    main()
