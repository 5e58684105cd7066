"""What is predicted, and in which unit."""

from collections.abc import Sequence
from dataclasses import dataclass

from trialsmith.errors import DataError

LARGEST = 1e18  # of a target: its square, a mean of which is a score, must fit single precision
TOO_LARGE = f"is beyond {LARGEST:g}, which single precision cannot square; take a larger unit"

_PER_ATOM = ("per_atom", "peratom")

# Endings of column names that state a unit, the longest first.
_ENDINGS = {
    "_eV_per_atom": "eV/atom",
    "_eV/atom": "eV/atom",
    "_meV_per_atom": "meV/atom",
    "_meV/atom": "meV/atom",
    "_g_cm3": "g/cm³",
    "_meV": "meV",
    "_GPa": "GPa",
    "_eV": "eV",
    "_A3": "Å³",
    "_A": "Å",
    "_K": "K",
}


@dataclass(frozen=True)
class Target:
    """A predicted property; an empty unit is one that nobody has stated, or a pure number.

    Attributes:
        classes: names of the classes of which it is one; empty for a number.
    """

    name: str
    unit: str = ""
    classes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} ({self.unit})" if self.unit else self.name


def unit_of(name: str) -> str:
    """The unit that the ending of a column's name states, or nothing.

    >>> unit_of("band_gap_eV"), unit_of("formation_energy_per_atom_eV"), unit_of("prop")
    ('eV', 'eV/atom', '')
    """
    for ending, unit in _ENDINGS.items():
        if name.endswith(ending):
            stem = name.removesuffix(ending)
            per_atom = unit in ("eV", "meV") and any(mark in stem for mark in _PER_ATOM)
            return f"{unit}/atom" if per_atom else unit
    return ""


def named_targets(names: Sequence[str], units: Sequence[str] | None) -> tuple[Target, ...]:
    """Targets with the units that the user gave, or else those that their names state.

    Raises:
        DataError: not as many units as targets.
    """
    if units is None:
        return tuple(Target(name, unit_of(name)) for name in names)
    if len(units) != len(names):
        raise DataError(
            f"data.unit={list(units)} has {len(units)} units for {len(names)} targets "
            f"({', '.join(names)}): give one for each, or null."
        )
    return tuple(Target(name, unit) for name, unit in zip(names, units, strict=True))
