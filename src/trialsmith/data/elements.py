"""The elements that models of crystals know."""

from trialsmith.errors import DataError
from trialsmith.graph import Structure

LAST = 100  # fermium: of what follows, too little was ever measured to tell a model


def check_known(structure: Structure) -> None:
    """Makes sure that a model has features for every atom.

    Raises:
        DataError: an element beyond `LAST`.
    """
    atom = int(structure.numbers.argmax())
    if structure.numbers[atom] > LAST:
        raise DataError(
            f"atom {atom} has the atomic number {structure.numbers[atom]}, which has no features: "
            f"ALIGNN knows elements 1–{LAST}; correct its symbol or leave the crystal out"
        )
