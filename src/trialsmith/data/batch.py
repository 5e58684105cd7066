"""A batch of crystals as one big graph whose crystals are not connected."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor

from trialsmith.graph.crystal_graph import CrystalGraph
from trialsmith.graph.union import shifts

MEMBERS = ("atom", "bond", "angle")


@dataclass
class Links:
    """Directed links: bonds between atoms, or angles between bonds; sorted by target.

    A graph up to symmetry holds one representative of each class of equal links;
    ``multiplicity`` says how many links of the full graph it stands for, and ``weight`` how often
    it counts in the sum over the links that end at its target. In a full graph both are one.
    """

    source: Int[Tensor, "links"]
    target: Int[Tensor, "links"]
    multiplicity: Float[Tensor, "links"]
    weight: Float[Tensor, "links"]

    def __len__(self) -> int:
        return len(self.source)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "Links":
        return _moved(self, device, non_blocking)


@dataclass
class CrystalBatch:
    """What the model reads and what the loss compares with.

    ``bonds.source`` and ``bonds.target`` index atoms: the source sends, the target receives.
    ``angles.source`` and ``angles.target`` index bonds: the source bond k→j ends where the target
    bond j→i begins. Lengths are in Å. ``target`` is in the target's own unit.
    """

    species: Int[Tensor, "atoms"]  # atomic numbers
    atom_multiplicity: Float[Tensor, "atoms"]
    crystal: Int[Tensor, "atoms"]  # which crystal of the batch; sorted
    bonds: Links
    bond_length: Float[Tensor, "bonds"]
    angles: Links
    angle_cosine: Float[Tensor, "angles"]
    tokens: Tensor  # (crystals, tokens) int64 ids, or (crystals, tokens, features) float32 states
    token_mask: Bool[Tensor, "crystals tokens"]  # True: a real token; False: padding
    target: Float[Tensor, "crystals targets"]
    ids: list[str]

    def __len__(self) -> int:
        return len(self.ids)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "CrystalBatch":
        return _moved(self, device, non_blocking)


def _moved(batch: Any, device: torch.device | str, non_blocking: bool) -> Any:
    def move(value: Any) -> Any:
        if isinstance(value, Tensor):
            return value.to(device, non_blocking=non_blocking)
        return value.to(device, non_blocking) if isinstance(value, Links) else value

    return type(batch)(**{f.name: move(getattr(batch, f.name)) for f in fields(batch)})


def collate(
    graphs: Sequence[CrystalGraph],
    tokens: Sequence[Num[np.ndarray, "..."]] | None = None,
    targets: Float[np.ndarray, "crystals targets"] | None = None,
    ids: Sequence[str] | None = None,
) -> CrystalBatch:
    """A batch of separate graphs, without a data module; what is left out is empty.

    Args:
        graphs: one for each crystal.
        tokens: for each crystal (tokens,) ids or (tokens, features) states; may have length zero.
        targets: in the target's own unit.
        ids: names of the crystals.
    """
    members = ("species", "bond_source", "angle_source")
    atoms, bonds, angles = (np.array([len(getattr(g, m)) for g in graphs]) for m in members)
    arrays = {
        f.name: np.concatenate([getattr(graph, f.name) for graph in graphs])
        for f in fields(CrystalGraph)
    }
    arrays["bond_source"] = arrays["bond_source"] + shifts(atoms, bonds)
    arrays["bond_target"] = arrays["bond_target"] + shifts(atoms, bonds)
    arrays["angle_source"] = arrays["angle_source"] + shifts(bonds, angles)
    arrays["angle_target"] = arrays["angle_target"] + shifts(bonds, angles)
    ragged = list(tokens) if tokens is not None else [np.zeros(0, np.int64)] * len(graphs)
    if targets is None:
        targets = np.zeros((len(graphs), 0), np.float32)
    names = list(ids) if ids is not None else [str(i) for i in range(len(graphs))]
    return batch_of(arrays, atoms, *pad(ragged), targets, names)


def pad(
    ragged: Sequence[Num[np.ndarray, "..."]],
) -> tuple[Num[np.ndarray, "crystals tokens ..."], Bool[np.ndarray, "crystals tokens"]]:
    """Sequences of different lengths side by side, zeros behind the short ones, and their mask."""
    lengths = np.array([len(sequence) for sequence in ragged])
    mask = np.arange(lengths.max(initial=0)) < lengths[:, None]
    padded = np.zeros(mask.shape + ragged[0].shape[1:], ragged[0].dtype)
    padded[mask] = np.concatenate(ragged)
    return padded, mask


def batch_of(
    arrays: dict[str, np.ndarray],
    atoms: Int[np.ndarray, "crystals"],
    tokens: Num[np.ndarray, "crystals tokens ..."],
    token_mask: Bool[np.ndarray, "crystals tokens"],
    targets: Float[np.ndarray, "crystals targets"],
    ids: list[str],
) -> CrystalBatch:
    """A batch of the joined arrays of its graphs, whose indices already count through the batch.

    Args:
        arrays: the fields of `CrystalGraph`, one crystal after the other; they become the batch's.
        atoms: how many atoms each crystal has.
    """

    counts = {kind: arrays[f"{kind}_multiplicity"].astype(np.float32) for kind in MEMBERS}

    def links(kind: str, ends_at: str) -> Links:
        target = arrays[f"{kind}_target"]
        return Links(
            source=_tensor(arrays[f"{kind}_source"], np.int64),
            target=_tensor(target, np.int64),
            multiplicity=_tensor(counts[kind], np.float32),
            weight=_tensor(counts[kind] / counts[ends_at][target], np.float32),
        )

    return CrystalBatch(
        species=_tensor(arrays["species"], np.int64),
        atom_multiplicity=_tensor(counts["atom"], np.float32),
        crystal=_tensor(np.repeat(np.arange(len(atoms)), atoms), np.int64),
        bonds=links("bond", "atom"),
        bond_length=_tensor(arrays["bond_length"], np.float32),
        angles=links("angle", "bond"),
        angle_cosine=_tensor(arrays["angle_cosine"], np.float32),
        tokens=_tensor(tokens, tokens.dtype),
        token_mask=_tensor(token_mask, np.bool_),
        target=_tensor(targets, np.float32),
        ids=ids,
    )


def _tensor(array: np.ndarray, dtype: Any) -> Tensor:
    """A tensor on the array's memory, or on a copy if it is read-only, which torch refuses."""
    return torch.from_numpy(np.require(array, dtype, ["C", "W"]))
