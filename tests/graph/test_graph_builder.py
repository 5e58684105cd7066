"""The builder's parameters, its key, and the full graph's line graph."""

import subprocess
import sys

import numpy as np
import pytest

from trialsmith.errors import InfeasibleConfig
from trialsmith.graph import GraphBuilder

OTHER = {
    "rule": "published",
    "neighbours": 8,
    "cutoff": 6.0,
    "angle_cutoff": 3.0,
    "shell_tolerance": 1e-3,
    "symmetry": False,
    "symmetry_tolerance": 1e-3,
}


def test_every_parameter_is_in_the_key():
    assert set(OTHER) == set(GraphBuilder.__dataclass_fields__)
    keys = [GraphBuilder().key, *(GraphBuilder(**{name: OTHER[name]}).key for name in OTHER)]
    assert len(set(keys)) == len(keys)
    assert GraphBuilder().key == GraphBuilder().key


@pytest.mark.parametrize(
    "wrong",
    [
        {"rule": "voronoi"},
        {"neighbours": 0},
        {"cutoff": 0.0},
        {"angle_cutoff": -3.5},
        {"shell_tolerance": -1.0},
        {"symmetry_tolerance": 0.0},
    ],
)
def test_impossible_parameters_are_refused(wrong):
    with pytest.raises(InfeasibleConfig, match=rf"data\.graph\.{next(iter(wrong))}="):
        GraphBuilder(**wrong)


@pytest.mark.parametrize(
    "wrong", ["symmetry='no'", "neighbours=2.5", "cutoff='far'", "cutoff=True"]
)
def test_parameters_of_another_type_are_refused(wrong):
    """Hydra's command line makes a text of `no`; in a process whose types nothing else checks."""
    program = f"from trialsmith.graph import GraphBuilder\nGraphBuilder({wrong})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert f"InfeasibleConfig: data.graph.{wrong.split('=')[0]}=" in done.stderr


def test_angles_join_bonds_that_follow_each_other(crystal):
    graph = GraphBuilder(symmetry=False)(crystal)
    source, target = graph.angle_source, graph.angle_target
    np.testing.assert_array_equal(graph.bond_target[source], graph.bond_source[target])
    into = np.bincount(graph.bond_target)
    assert len(source) == into[graph.bond_source].sum()
    assert len(np.unique(np.column_stack([source, target]), axis=0)) == len(source)


def test_each_bond_has_one_way_straight_back(crystal):
    """The reverse bond meets its bond at an angle of nought and has its length."""
    graph = GraphBuilder(symmetry=False)(crystal)
    source, target = graph.angle_source, graph.angle_target
    back = (
        (graph.bond_source[source] == graph.bond_target[target])
        & (graph.angle_cosine > 1 - 1e-6)
        & (np.abs(graph.bond_length[source] - graph.bond_length[target]) < 1e-6)
    )
    np.testing.assert_array_equal(np.bincount(target[back]), np.ones(len(graph.bond_length)))


def test_tetrahedral_angle(known):
    silicon = GraphBuilder(neighbours=4, symmetry=False)(known["diamond"])
    found = np.unique(silicon.angle_cosine.round(5))
    np.testing.assert_allclose(found, [-1 / 3, 1], atol=1e-5)


def test_import_needs_no_torch():
    code = "import sys, trialsmith.graph, trialsmith.text; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
