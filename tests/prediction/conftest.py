"""Small trained runs, made by train.py itself."""

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

ROOT = Path(__file__).resolve().parent.parent.parent
TINY = [
    "trainer.max_epochs=2", "trainer.accelerator=cpu", "threads=1", "plots=false",
    "data.batch_size=8",
]  # fmt: skip
ALIGNN = [
    "model.alignn_layers=1", "model.gcn_layers=1", "model.hidden_features=16",
    "model.embedding_features=8", "fusion.middle.layers=1", "fusion.middle.hidden_dim=16",
]  # fmt: skip

Train = Callable[..., Path]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Train:
    """Runs `python train.py` with these overrides; returns the run's folder."""

    def train(*overrides: str) -> Path:
        where = tmp_path_factory.mktemp("run")
        cache = tmp_path_factory.getbasetemp() / "cache"
        command = [sys.executable, "train.py", *TINY, f"data.cache_dir={cache}"]
        command += [f"hydra.run.dir={where}", *overrides]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return where

    return train


SYMBOLS = ("Cu", "Ag", "Au", "Ni", "Pd", "Pt", "Al")


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of strained metals with texts, a target in eV and a split."""
    folder = tmp_path_factory.mktemp("table")
    random = np.random.default_rng(0)
    path = folder / "metals.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "structure", "description", "split", "gap_eV"])
        for i in range(35):
            atoms = bulk(SYMBOLS[i % 7], cubic=i % 2 == 0)
            atoms.set_cell(atoms.cell * (1 + 0.02 * random.standard_normal()), scale_atoms=True)
            atoms.rattle(0.05, seed=i)
            atoms.write(folder / f"m{i}.cif")
            part = "train" if i < 21 else "val" if i < 28 else "test"
            text = f"metal number {i} of {SYMBOLS[i % 7]}" if i % 3 else ""
            rows.writerow([f"m{i}", f"m{i}.cif", text, part, f"{random.random():.3f}"])
    return path


@pytest.fixture(scope="session")
def crystal_run(trained: Train, table: Path) -> Path:
    return trained("data=crystals", f"data.path={table}", "data.target=gap_eV", *ALIGNN)
