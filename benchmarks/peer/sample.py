"""The crystals that both sides get: real ones beside the repository, or built-in alloys."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from trialsmith.data import Alloys, StructureText
from trialsmith.data.parse import parse
from trialsmith.graph import Structure

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("TRIALSMITH_SHARED", ROOT.parent / "shared"))
_CRYSTALS = SHARED / "data" / "crystals"

# file, and the column that is predicted
FILES = {
    "mp20": ("mp20_text.csv", "formation_energy_per_atom_eV"),
    "jarvis": ("jarvis_mbj_trainval.csv", "mbj_bandgap_eV"),
    "mp20 in full": ("mp20_biternary_val_7140.csv.gz", "formation_energy_per_atom_eV"),
}
ALLOYS = "built-in alloys"


@dataclass(frozen=True)
class Sample:
    """Crystals and what is predicted of them."""

    name: str
    structures: list[Structure]
    targets: list[float]

    def batches(self, size: int) -> list[list[Structure]]:
        """All full batches of ``size`` crystals, in order."""
        whole = len(self.structures) // size * size
        return [self.structures[i : i + size] for i in range(0, whole, size)]


def names() -> list[str]:
    """The samples that are at hand, small ones."""
    return [name for name in ("mp20", "jarvis") if file_of(name).exists()] or [ALLOYS]


def file_of(name: str) -> Path:
    return _CRYSTALS / FILES[name][0]


def sample(name: str, n: int) -> Sample:
    """``n`` crystals drawn at random, always the same; as many as there are if they are fewer."""
    if name == ALLOYS:
        rows = Alloys(n, seed=0).read(ROOT / ".cache").rows
        structures = [row.structure for row in rows if isinstance(row.structure, Structure)]
        return Sample(name, structures, [row.targets[0] for row in rows])
    target = FILES[name][1]
    table = pd.read_csv(file_of(name))
    chosen = table.iloc[np.random.default_rng(0).permutation(len(table))[:n]]
    structures = [parse(StructureText(cif, "cif")) for cif in chosen["cif"]]
    return Sample(name, structures, chosen[target].tolist())
