"""What an element is to the model: nine properties, each as one class of several.

The recipe and the figures are CGCNN's (T. Xie, J. C. Grossman, Phys. Rev. Lett. 120, 145301
(2018)), which the published ALIGNN uses too; ``elements.csv`` beside this file says more.
"""

import csv
from functools import cache
from importlib.resources import files

import torch
from jaxtyping import Float, Int
from torch import Tensor

from trialsmith.data.elements import LAST
from trialsmith.errors import DataError

# property → how many classes it has, and the number of the first class
PROPERTIES = {
    "group": (19, 0),  # class 0: the f block
    "period": (7, 1),
    "electronegativity": (10, 0),
    "covalent_radius": (10, 0),
    "valence_electrons": (12, 1),
    "ionisation_energy": (10, 0),
    "electron_affinity": (10, 0),
    "block": (4, 0),
    "atomic_volume": (10, 0),
}
FEATURES = sum(classes for classes, _ in PROPERTIES.values())  # 92


@cache
def element_features() -> Float[Tensor, "elements features"]:
    """One row of zeros and ones for each atomic number; row 0 is empty.

    A property that is unknown, such as the electronegativity of helium, leaves its classes zero.
    """
    table = torch.zeros(LAST + 1, FEATURES)
    text = files(__package__).joinpath("elements.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    for number, row in enumerate(rows, start=1):
        offset = 0
        for name, (classes, first) in PROPERTIES.items():
            if row[name]:
                table[number, offset + _class(row[name]) - first] = 1.0
            offset += classes
    return table


def check_known(species: Int[Tensor, "atoms"]) -> None:
    """Makes sure that there is a row for every atom.

    Looking at the numbers would stall a GPU at every step, so only those on the CPU are checked.

    Raises:
        DataError: an atomic number without features.
    """
    if species.device.type != "cpu" or len(species) == 0:
        return
    for number in (int(species.min()), int(species.max())):
        if not 1 <= number <= LAST:
            raise DataError(
                f"atomic number {number} has no features: ALIGNN knows elements 1–{LAST}; "
                "leave these crystals out"
            )


def _class(value: str) -> int:
    return "spdf".index(value) if value in "spdf" else int(value)
