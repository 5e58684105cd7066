"""Message passing with random weights: two graphs that no network tells apart agree in it.

Written from the rule in the docstring of CrystalGraph, apart from the package's own layers.
"""

import numpy as np
from scipy.sparse import csr_array

from trialsmith.graph import CrystalGraph

WIDTH = 8
RANDOM = np.random.default_rng(0)
ELEMENTS = RANDOM.normal(size=(119, WIDTH))
WEIGHTS = RANDOM.normal(size=(8, WIDTH, WIDTH)) / np.sqrt(WIDTH)
FREQUENCIES = np.arange(1, WIDTH + 1)


def outputs(graph: CrystalGraph, rounds: int = 3) -> np.ndarray:
    """Means over atoms, bonds and angles after some rounds, (3 WIDTH,)."""
    atom = ELEMENTS[graph.species]
    bond = np.sin(np.outer(graph.bond_length, FREQUENCIES))
    angle = np.sin(np.outer(graph.angle_cosine, FREQUENCIES))
    bond_weight = graph.bond_multiplicity / graph.atom_multiplicity[graph.bond_target]
    angle_weight = graph.angle_multiplicity / graph.bond_multiplicity[graph.angle_target]
    w = WEIGHTS
    for _ in range(rounds):
        angle = np.tanh(angle + bond[graph.angle_source] @ w[0] + bond[graph.angle_target] @ w[1])
        heard = _sums(angle, angle_weight, graph.angle_target, len(bond))
        ends = atom[graph.bond_source] @ w[2] + atom[graph.bond_target] @ w[3]
        bond = np.tanh(bond + ends + heard @ w[4] / 10)
        heard = _sums(
            bond * (atom[graph.bond_source] @ w[5]), bond_weight, graph.bond_target, len(atom)
        )
        atom = np.tanh(atom @ w[6] + heard @ w[7] / 10)
    return np.concatenate(
        [
            weights @ values / max(1, weights.sum())  # nought where there are no members
            for values, weights in (
                (atom, graph.atom_multiplicity),
                (bond, graph.bond_multiplicity),
                (angle, graph.angle_multiplicity),
            )
        ]
    )


def _sums(values: np.ndarray, weights: np.ndarray, target: np.ndarray, size: int) -> np.ndarray:
    members = np.arange(len(target))
    return csr_array((weights, (target, members)), shape=(size, len(target))) @ values
