"""Energies of metals by effective medium theory, ASE's EMT.

Jacobsen, Stoltze & Nørskov, Surf. Sci. 366, 394 (1996). ASE is imported when it is needed: a warm
cache does without.
"""

import numpy as np

from trialsmith.graph import Structure

# The metals that EMT was made for, all of them face-centred cubic.
ELEMENTS = {"Al": 13, "Ni": 28, "Cu": 29, "Pd": 46, "Ag": 47, "Pt": 78, "Au": 79}


def energy(structure: Structure) -> float:
    """The potential energy of a structure, in eV."""
    from ase import Atoms
    from ase.calculators.emt import EMT

    atoms = Atoms(
        numbers=structure.numbers,
        positions=structure.positions,
        cell=structure.cell,
        pbc=structure.pbc,
        calculator=EMT(),
    )
    return float(atoms.get_potential_energy())


def fcc(number: int, lattice_parameter: float) -> Structure:
    """The pure element, in its primitive cell; the lattice parameter is in Å."""
    cell = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) * lattice_parameter / 2
    return Structure(np.array([number]), np.zeros((1, 3)), cell)


def relaxed(number: int) -> tuple[float, float]:
    """The lattice parameter, Å, at which the element's energy is least, and that energy, eV."""
    from ase.calculators.emt import beta, parameters
    from ase.data import chemical_symbols
    from ase.units import Bohr
    from scipy.optimize import minimize_scalar

    # Neutral-sphere radius s0: nearest neighbours are β s0 apart.
    near = 2**0.5 * beta * parameters[chemical_symbols[number]][1] * Bohr
    found = minimize_scalar(
        lambda a: energy(fcc(number, a)),
        bounds=(0.9 * near, 1.1 * near),
        method="bounded",
        options={"xatol": 1e-7},
    )
    return float(found.x), float(found.fun)
