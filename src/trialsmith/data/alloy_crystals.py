"""The built-in data: alloys whose energies are computed here, so that nothing is downloaded."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Int

from trialsmith.data.emt import ELEMENTS, energy, relaxed
from trialsmith.data.fcc_orderings import ORDERINGS, SUPERCELLS, Ordering
from trialsmith.data.source import Row, Rows, Source
from trialsmith.data.structure_arrays import letters, packed, texts_of, unpacked
from trialsmith.data.target import Target
from trialsmith.errors import DataError
from trialsmith.graph import Structure, cached_arrays, digest
from trialsmith.parallel import mapped

# Raise it whenever the same seed gives another crystal or energy: old caches are left alone.
VERSION = 1
TARGET = Target("formation_energy_per_atom", "eV/atom")
_SECONDS = 0.005  # for one energy
_STRETCH = 0.03  # the lattice parameter is within so much of Vegard's, relatively
_STRAIN = 0.03  # spread of each component of the strain
_RATTLE = 0.08  # spread of each coordinate, Å
_SYMBOLS = {number: symbol for symbol, number in ELEMENTS.items()}


class Alloys(Source):
    """Small crystals of Al, Ni, Cu, Pd, Ag, Pt and Au with their formation energies by EMT.

    Orderings of two elements, orderings under strain, and rattled solid solutions of two to four
    elements, on face-centred cubic sites, 1 to 8 atoms in a cell, about the lattice parameter of
    Vegard's rule. With N atoms, n_x of them of element x, and E_x the energy of an atom of the
    pure element at its own lattice parameter,

        formation energy per atom = (E − Σ_x n_x E_x) / N   in eV/atom.

    Crystal i depends on the seed and on i alone: more crystals begin with the same ones.

    Args:
        n: how many crystals.
        seed: of the draw.
    """

    def __init__(self, n: int, seed: int) -> None:
        if n < 1:
            raise DataError(f"data.n={n} must be at least 1.")
        if seed < 0:
            raise DataError(f"data.crystal_seed={seed} must not be negative.")
        self.n, self.seed = n, seed

    def read(self, cache_dir: Path) -> Rows:
        """The crystals, computed at first and cached; see `Source.read`."""
        key = digest(f"alloys {VERSION} {self.n} {self.seed}")
        arrays = cached_arrays(cache_dir / "alloys", key, self._computed)
        structures = [s for s in unpacked(arrays) if s is not None]
        names, energies = texts_of(arrays["names"]), arrays["formation_energies"].tolist()
        rows = [
            Row(id=name, where="built-in alloys", structure=structure, targets=(value,))
            for name, structure, value in zip(names, structures, energies, strict=True)
        ]
        return Rows(rows, (TARGET,))

    def _computed(self) -> Mapping[str, np.ndarray]:
        pure = {number: relaxed(number) for number in ELEMENTS.values()}
        parameters = {number: parameter for number, (parameter, _) in pure.items()}
        drawn = [alloy(self.seed, index, parameters) for index in range(self.n)]
        structures = [structure for _, structure in drawn]
        energies = mapped(energy, structures, "computing energies of alloys", _SECONDS)
        return packed(structures) | {
            "names": letters([f"{i:04d}-{name}" for i, (name, _) in enumerate(drawn)]),
            "formation_energies": np.array(
                [
                    (total - sum(pure[int(number)][1] for number in structure.numbers))
                    / len(structure)
                    for total, structure in zip(energies, structures, strict=True)
                ]
            ),
        }


def alloy(seed: int, index: int, parameters: Mapping[int, float]) -> tuple[str, Structure]:
    """One crystal and its name.

    Args:
        parameters: each element's relaxed lattice parameter, Å.
    """
    draw = np.random.default_rng([seed, index])
    kind = draw.choice(["ordering", "strained", "solution"], p=[0.4, 0.3, 0.3])
    sites, numbers = _solution(draw) if kind == "solution" else _ordering(draw)
    vegard = np.mean([parameters[number] for number in numbers.tolist()])
    parameter = float(vegard) * (1 + _STRETCH * draw.uniform(-1, 1))
    positions, cell = sites.positions(parameter), sites.lattice(parameter)
    if kind != "ordering":
        strain = _STRAIN * draw.normal(size=(3, 3))
        deformation = np.eye(3) + (strain + strain.T) / 2
        positions, cell = positions @ deformation, cell @ deformation
    if kind == "solution":
        positions = positions + _RATTLE * draw.normal(size=positions.shape)
    return f"{kind}-{sites.name}-{_formula(numbers)}", Structure(numbers, positions, cell)


def _ordering(draw: np.random.Generator) -> tuple[Ordering, Int[np.ndarray, "atoms"]]:
    """An ordering and the element on each of its sites."""
    sites = ORDERINGS[draw.integers(len(ORDERINGS))]
    pair = draw.choice(list(ELEMENTS.values()), size=2, replace=False)
    return sites, np.repeat(pair, [len(sites.first), len(sites.second)])


def _solution(draw: np.random.Generator) -> tuple[Ordering, Int[np.ndarray, "atoms"]]:
    """A cell and the element on each of its sites, any of two to four."""
    sites = SUPERCELLS[draw.integers(len(SUPERCELLS))]
    elements = draw.choice(list(ELEMENTS.values()), size=draw.integers(2, 5), replace=False)
    return sites, draw.choice(elements, size=len(sites.first))


def _formula(numbers: Int[np.ndarray, "atoms"]) -> str:
    counts = zip(*np.unique(numbers, return_counts=True), strict=True)
    return "".join(f"{_SYMBOLS[int(n)]}{count if count > 1 else ''}" for n, count in counts)
