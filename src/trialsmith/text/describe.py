"""A crystal in words: what it is made of, how symmetric it is, and who is bonded to whom."""

from collections import Counter

import numpy as np
from ase.data import atomic_masses, chemical_symbols
from ase.formula import Formula
from ase.units import _amu

from trialsmith.errors import DataError
from trialsmith.graph.structure import Structure
from trialsmith.text.coordination import Ligands, coordination
from trialsmith.text.space_group import SpaceGroup, space_group

ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
COUNTS = (*ONES, "ten", "eleven", "twelve")
# By the number of directions in which the structure is periodic, where spglib has no answer.
KINDS = ("a molecule", "a chain", "a layer", "a crystal of unknown symmetry")
# In a crystal without symmetry every atom is a site of its own: more would only repeat.
MOST_SITES = 12


def describe(structure: Structure) -> str:
    """A few sentences on a crystal, the same for any order of its atoms and choice of its cell.

    For example: "NaCl crystallizes in the cubic Fm-3m (225) space group. It is 50 % Na and 50 %
    Cl. The density is 2.16 g/cm3 and the volume per atom 22.4 Å3. Na is bonded to six Cl atoms at
    2.82 Å. Cl is bonded to six Na atoms at 2.82 Å."

    Nothing fails: what cannot be told of a structure, such as the space group of a molecule, is
    left out.

    Args:
        structure: periodic in any number of directions.
    """
    group = space_group(structure)
    sentences = [_symmetry(structure, group), _composition(structure)]
    if all(structure.pbc):
        sentences.append(_density(structure))
    return " ".join(sentences + _sites(structure, group))


def _symmetry(structure: Structure, group: SpaceGroup | None) -> str:
    name = _formula(structure)
    if group is None:
        return f"{name} is {KINDS[sum(structure.pbc)]}."
    symbol = f"{group.symbol} ({group.number})"
    return f"{name} crystallizes in the {group.system} {symbol} space group."


def _formula(structure: Structure) -> str:
    symbols = Formula.from_list([chemical_symbols[n] for n in np.sort(structure.numbers)])
    return str(symbols.reduce()[0].format("metal"))


def _composition(structure: Structure) -> str:
    counts = Counter(structure.numbers.tolist())
    shares = [
        f"{100 * counts[number] / len(structure):.3g} % {chemical_symbols[number]}"
        for number in sorted(counts)
    ]
    return f"It is {_listed(shares)}."


def _density(structure: Structure) -> str:
    volume = abs(np.linalg.det(structure.cell))  # Å3
    grams = atomic_masses[structure.numbers].sum() * _amu * 1e3
    return (
        f"The density is {grams / (volume * 1e-24):.3g} g/cm3 "
        f"and the volume per atom {volume / len(structure):.3g} Å3."
    )


def _sites(structure: Structure, group: SpaceGroup | None) -> list[str]:
    """One sentence for each kind of site; sites that read the same are one kind."""
    try:
        ligands = coordination(structure)
    except DataError:
        return []
    numbers = structure.numbers.tolist()
    sites = [(number, _bonded(number, own)) for number, own in zip(numbers, ligands, strict=True)]
    orbit = np.arange(len(structure)) if group is None else group.orbit
    # Equivalent atoms differ within spglib's tolerance: which is taken may not hang on their order.
    kinds = {min(sites[atom] for atom in np.flatnonzero(orbit == one)) for one in np.unique(orbit)}
    sentences = [sentence for _, sentence in sorted(kinds)[:MOST_SITES]]
    if len(kinds) > MOST_SITES:
        sentences.append(f"There are {len(kinds) - MOST_SITES} more kinds of sites.")
    return sentences


def _bonded(number: int, ligands: tuple[Ligands, ...]) -> str:
    groups = [
        f"{_count(part.count)} {chemical_symbols[part.number]} "
        f"{'atom' if part.count == 1 else 'atoms'} at {_range(part.nearest, part.farthest)} Å"
        for part in ligands
    ]
    return f"{chemical_symbols[number]} is bonded to {_listed(groups)}."


def _count(number: int) -> str:
    return COUNTS[number] if number < len(COUNTS) else str(number)


def _range(nearest: float, farthest: float) -> str:
    low, high = f"{nearest:.2f}", f"{farthest:.2f}"
    return low if low == high else f"{low}–{high}"


def _listed(parts: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
