"""Laws of batches: what is side by side in a batch is what stood alone."""

import numpy as np
import pytest
import torch

from trialsmith.data import Alloys, CrystalBatch, collate
from trialsmith.data.batch import pad
from trialsmith.graph import CrystalGraph, GraphBuilder, Structure


@pytest.fixture(scope="module", params=[True, False], ids=["up to symmetry", "full"])
def graphs(request: pytest.FixtureRequest, structures: list[Structure]) -> list[CrystalGraph]:
    return [GraphBuilder(symmetry=request.param)(structure) for structure in structures]


@pytest.fixture(scope="module")
def structures(tmp_path_factory: pytest.TempPathFactory) -> list[Structure]:
    rows = Alloys(12, 3).read(tmp_path_factory.mktemp("cache")).rows
    return [row.structure for row in rows]  # type: ignore[misc]


def test_each_crystal_of_a_batch_is_its_own_graph(graphs: list[CrystalGraph]) -> None:
    batch = collate(graphs)
    first_atom = first_bond = 0
    for i, graph in enumerate(graphs):
        atoms = batch.crystal == i
        bonds, angles = atoms[batch.bonds.target], atoms[batch.bonds.target][batch.angles.target]
        assert batch.species[atoms].tolist() == graph.species.tolist()
        for found, own, shift in (
            (batch.bonds.source[bonds], graph.bond_source, first_atom),
            (batch.bonds.target[bonds], graph.bond_target, first_atom),
            (batch.angles.source[angles], graph.angle_source, first_bond),
            (batch.angles.target[angles], graph.angle_target, first_bond),
        ):
            np.testing.assert_array_equal(found - shift, own)
        np.testing.assert_array_equal(batch.bond_length[bonds], graph.bond_length)
        np.testing.assert_array_equal(batch.angle_cosine[angles], graph.angle_cosine)
        first_atom, first_bond = (
            first_atom + len(graph.species),
            first_bond + len(graph.bond_length),
        )


def test_members_count_as_often_as_in_the_full_graph(structures: list[Structure]) -> None:
    full, reduced = (
        collate([GraphBuilder(symmetry=symmetry)(s) for s in structures])
        for symmetry in (False, True)
    )
    assert len(reduced.species) < len(full.species)
    for of in (
        lambda b: (b.atom_multiplicity, b.crystal),
        lambda b: (b.bonds.multiplicity, b.crystal[b.bonds.target]),
        lambda b: (b.angles.multiplicity, b.crystal[b.bonds.target][b.angles.target]),
    ):
        sums = [torch.zeros(len(b)).index_add(0, of(b)[1], of(b)[0]) for b in (full, reduced)]
        torch.testing.assert_close(sums[0], sums[1])
    # the sum over the bonds into an atom counts its bonds in the full graph, a whole number
    count = torch.zeros(len(reduced.species)).index_add(
        0, reduced.bonds.target, reduced.bonds.weight
    )
    torch.testing.assert_close(count, count.round())
    assert count.min() >= 12
    assert (full.bonds.weight == 1).all()
    assert (full.angles.weight == 1).all()


def test_the_number_of_crystals_counts_those_without_bonds(graphs: list[CrystalGraph]) -> None:
    batch = collate(graphs, ids=[f"c{i}" for i in range(len(graphs))])
    assert len(batch) == len(graphs) == len(batch.target)
    assert batch.tokens.shape == batch.token_mask.shape == (len(graphs), 0)


def test_padding_is_masked() -> None:
    ids = [np.array([5, 6]), np.zeros(0, np.int64), np.array([7])]
    tokens, mask = pad(ids)
    assert tokens.tolist() == [[5, 6], [0, 0], [7, 0]]
    assert mask.tolist() == [[True, True], [False, False], [True, False]]
    states, mask = pad([np.ones((2, 3), np.float32), np.zeros((0, 3), np.float32)])
    assert states.shape == (2, 2, 3)
    assert states[~mask].sum() == 0


def test_all_of_a_batch_moves(graphs: list[CrystalGraph]) -> None:
    batch = collate(graphs).to("meta")
    assert isinstance(batch, CrystalBatch)
    tensors = [*vars(batch).values(), *vars(batch.bonds).values(), *vars(batch.angles).values()]
    assert {t.device.type for t in tensors if isinstance(t, torch.Tensor)} == {"meta"}
