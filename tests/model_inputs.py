"""Crystals, batches and small models for the tests of models and fusion."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import StringIO
from pathlib import Path

import ase.io
import numpy as np
import pandas as pd
import torch
from ase.build import bulk
from ase.spacegroup import crystal
from torch import Tensor, nn

from trialsmith.data.alloy_crystals import alloy
from trialsmith.data.batch import CrystalBatch, Links, collate
from trialsmith.fusion import CrossModal, FineGrained, Fusion, GatedMiddle
from trialsmith.graph import GraphBuilder, Structure
from trialsmith.models import ALIGNN, HashedEncoder

WIDTH, TEXT_WIDTH, VOCABULARY = 16, 8, 50


def structure(atoms: ase.Atoms) -> Structure:
    return Structure(atoms.numbers, atoms.positions, np.array(atoms.cell))


def hand_made() -> list[Structure]:
    """Much symmetry, some, and none."""
    fluorite = crystal(
        ("Ca", "F"), [(0, 0, 0), (0.25,) * 3], spacegroup=225, cellpar=[5.46] * 3 + [90] * 3
    )
    rattled = bulk("TiN", "rocksalt", 4.24, cubic=True)
    rattled.rattle(0.1, seed=1)
    wurtzite = bulk("ZnO", "wurtzite", a=3.25, c=5.2, u=0.382)
    crystals = [bulk("Cu"), bulk("NaCl", "rocksalt", 5.64), bulk("Mg"), wurtzite, fluorite, rattled]
    return [structure(atoms) for atoms in crystals]


def built_in(number: int) -> list[Structure]:
    """Alloys as `data=alloys` has them: ordered, strained, and without symmetry."""
    parameters = {13: 4.05, 28: 3.52, 29: 3.61, 46: 3.89, 47: 4.09, 78: 3.92, 79: 4.08}
    return [alloy(0, index, parameters)[1] for index in range(number)]


def real(shared: Path, number: int) -> list[Structure]:
    """Every so manieth crystal of the Materials Project sample."""
    table = pd.read_csv(shared / "data/crystals/mp20_text.csv")
    cifs = table.cif.iloc[:: len(table) // number][:number]
    return [structure(ase.io.read(StringIO(cif), format="cif")) for cif in cifs]


def batch_of(
    structures: list[Structure], symmetry: bool = True, texts: list[int] | None = None
) -> CrystalBatch:
    """A float64 batch; ``texts`` is how many tokens each crystal has, a few by default."""
    build = GraphBuilder(symmetry=symmetry)
    lengths = texts if texts is not None else [3 + i % 4 for i in range(len(structures))]
    ids = [1 + (7 * i + np.arange(n) ** 2) % (VOCABULARY - 1) for i, n in enumerate(lengths)]
    return double(collate([build(s) for s in structures], [row.astype(np.int64) for row in ids]))


def double(batch: CrystalBatch) -> CrystalBatch:
    """In float64, rounding does not hide a broken law."""
    return _cast(batch, torch.float64)


def single(batch: CrystalBatch) -> CrystalBatch:
    """In float32, as data arrive."""
    return _cast(batch, torch.float32)


def _cast(batch: CrystalBatch, dtype: torch.dtype) -> CrystalBatch:
    def links(old: Links) -> Links:
        weights = {"multiplicity": old.multiplicity.to(dtype), "weight": old.weight.to(dtype)}
        return replace(old, **weights)

    return replace(
        batch,
        atom_multiplicity=batch.atom_multiplicity.to(dtype),
        bonds=links(batch.bonds),
        bond_length=batch.bond_length.to(dtype),
        angles=links(batch.angles),
        angle_cosine=batch.angle_cosine.to(dtype),
    )


def sites(**options: dict[str, object]) -> Fusion:
    """All three sites, small; ``options`` are arguments of single ones."""
    kinds = {"middle": GatedMiddle, "fine_grained": FineGrained, "cross_modal": CrossModal}
    small = {
        "middle": {"layers": (1, 2)},
        "fine_grained": {},
        "cross_modal": {"projection_features": 8},
    }
    width = {"hidden_dim": 8, "num_heads": 2, "dropout": 0.0}
    return Fusion(
        **{
            name: kind(WIDTH, TEXT_WIDTH, **(width | small[name] | options.get(name, {})))
            for name, kind in kinds.items()
        }
    )


def model(seed: int = 0, fusion: Fusion | None = None, **options: object) -> ALIGNN:
    """A small float64 ALIGNN without dropout, ready for training."""
    torch.manual_seed(seed)
    text = HashedEncoder(VOCABULARY, TEXT_WIDTH, dropout=0.0)
    size = {
        "alignn_layers": 2,
        "gcn_layers": 2,
        "hidden_features": WIDTH,
        "embedding_features": 8,
    }
    return ALIGNN(text, fusion, **(size | options)).double()


def fused(seed: int = 0, **options: object) -> ALIGNN:
    torch.manual_seed(seed)
    return model(seed, sites(), **options)


def settled(network: ALIGNN, batch: CrystalBatch) -> ALIGNN:
    """In evaluation, with running statistics from a few passes over ``batch``."""
    network.train()
    with torch.no_grad():
        for _ in range(8):
            network(batch)
    return network.eval()


def gradients(network: nn.Module, batch: CrystalBatch) -> dict[str, Tensor]:
    """Of a loss that weighs every crystal differently."""
    network.zero_grad()
    out = network(batch)
    (out.squeeze(1) * torch.linspace(-1, 1, len(batch), dtype=out.dtype)).sum().backward()
    return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


def assert_same_gradients(
    left: dict[str, Tensor], right: dict[str, Tensor], tolerance: float
) -> None:
    """Equal up to ``tolerance`` times the larger of the parameter's own and a typical gradient."""
    assert left.keys() == right.keys()
    typical = torch.stack([g.norm() for g in right.values()]).median()
    for name, gradient in right.items():
        error = (left[name] - gradient).norm() / torch.maximum(gradient.norm(), typical)
        assert error < tolerance, f"{name}: {error:.1e}"


@contextmanager
def threads_of_torch(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
        assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(before)
