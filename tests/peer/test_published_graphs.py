"""`data.graph.rule=published` draws the graphs of `alignn` 2026.8.11, bond for bond.

`make test-peer` installs it into an environment of its own.
"""

import numpy as np
import pytest
import torch
from model_inputs import real

from trialsmith.graph import CrystalGraph, GraphBuilder, Structure

pytestmark = [
    pytest.mark.peer,
    pytest.mark.filterwarnings("ignore"),  # theirs
]
builder = pytest.importorskip(
    "alignn.torch_graph_builder", reason="the published alignn is not installed: make test-peer"
)

LIMITS = {"neighbours": 12, "cutoff": 5.0, "angle_cutoff": 3.5}


def theirs(structure: Structure, **limits: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows (source, target, length) of bonds; of angles (the two bonds' rows, cosine)."""
    from ase.data import chemical_symbols
    from jarvis.core.atoms import Atoms

    atoms = Atoms(
        lattice_mat=structure.cell,
        coords=structure.positions,
        elements=[chemical_symbols[z] for z in structure.numbers],
        cartesian=True,
    )
    graph, line = builder.build_pure_torch_graph(
        atoms,
        two_body_cutoff=limits["cutoff"],
        three_body_cutoff=limits["angle_cutoff"],
        max_neighbors=limits["neighbours"],
    )
    length = torch.linalg.vector_norm(graph.edata["r"], dim=1).numpy()
    return rows(graph.src, graph.dst, length, line.src, line.dst, line.edata["h"])


def ours(graph: CrystalGraph) -> tuple[np.ndarray, np.ndarray]:
    return rows(
        *(graph.bond_source, graph.bond_target, graph.bond_length),
        *(graph.angle_source, graph.angle_target, graph.angle_cosine),
    )


def rows(source, target, length, first, second, cosine) -> tuple[np.ndarray, np.ndarray]:
    """Sorted, since neither side promises an order; lengths tell bonds of two atoms apart."""
    bonds = np.column_stack([np.asarray(x, np.float64) for x in (source, target, length)])
    angles = np.column_stack([bonds[first], bonds[second], np.asarray(cosine, np.float64)])
    return tuple(table[np.lexsort(table.T[::-1])] for table in (bonds, angles))


@pytest.mark.parametrize(
    "limits", [LIMITS, {"neighbours": 7, "cutoff": 4.0, "angle_cutoff": 4.0}], ids=["default", "7"]
)
def test_bonds_and_angles_of_real_crystals_are_theirs(shared, limits):
    crystals = real(shared, 200)
    assert len(crystals) == 200
    draw = GraphBuilder(rule="published", symmetry=False, **limits)
    for crystal in crystals:
        (bonds, angles), (their_bonds, their_angles) = (
            ours(draw(crystal)),
            theirs(crystal, **limits),
        )
        np.testing.assert_array_equal(bonds, their_bonds)  # to the last bit
        np.testing.assert_array_equal(angles[:, :6], their_angles[:, :6])
        np.testing.assert_allclose(angles[:, 6], their_angles[:, 6], atol=1e-6)


def test_limits_that_are_not_given_are_theirs(shared):
    for crystal in real(shared, 10):
        given = GraphBuilder(rule="published", symmetry=False, **LIMITS)(crystal)
        left_out = GraphBuilder(rule="published", symmetry=False)(crystal)
        np.testing.assert_array_equal(given.bond_length, left_out.bond_length)
        np.testing.assert_array_equal(given.angle_cosine, left_out.angle_cosine)
