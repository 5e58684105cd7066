"""The graphs of a collection of crystals: built once, in parallel, and mapped from the cache."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Int

from trialsmith.errors import DataError
from trialsmith.graph.builder import GraphBuilder
from trialsmith.graph.cache import cached_arrays, digest
from trialsmith.graph.crystal_graph import CrystalGraph
from trialsmith.graph.structure import Structure
from trialsmith.graph.union import shifts
from trialsmith.parallel import mapped_together

# Bumped when the arrays of a record change.
VERSION = 1
_SECONDS = 0.0005  # to build the graph of a crystal of ten atoms
_TOGETHER = 200  # crystals that a process is given at once

# How each field of a graph is kept on disk, and which of its members it counts.
FIELDS: dict[str, tuple[str, type[np.generic]]] = {
    "species": ("atoms", np.uint8),
    "atom_multiplicity": ("atoms", np.int32),
    "bond_source": ("bonds", np.int32),
    "bond_target": ("bonds", np.int32),
    "bond_length": ("bonds", np.float32),
    "bond_multiplicity": ("bonds", np.int32),
    "angle_source": ("angles", np.int32),
    "angle_target": ("angles", np.int32),
    "angle_cosine": ("angles", np.float32),
    "angle_multiplicity": ("angles", np.int32),
}
# What a link points to, which decides by how much its indices shift in a batch.
POINTS_TO = {"bond": "atom", "angle": "bond"}
MEMBERS = ("atoms", "bonds", "angles")


class GraphStore(Sequence[CrystalGraph]):
    """The graphs of a collection, in its order, read from a mapped cache record.

    Equal structures share one record. Pickled by path: a worker maps the same file.

    Args:
        arrays: as :func:`build_graphs` makes them.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays = arrays
        self._begin = {
            kind: np.concatenate([[0], np.cumsum(arrays[kind], dtype=np.int64)]) for kind in MEMBERS
        }

    def __len__(self) -> int:
        return len(self._arrays["record"])

    def __getitem__(self, index: int) -> CrystalGraph:  # type: ignore[override]
        if not -len(self) <= index < len(self):
            raise IndexError(f"crystal {index} of {len(self)}")
        gathered = self.gather(np.array([index % len(self)]))
        return CrystalGraph(**{name: gathered[name] for name in FIELDS})

    def __reduce__(self) -> tuple[type["GraphStore"], tuple[Mapping[str, np.ndarray]]]:
        return type(self), (self._arrays,)

    def gather(self, indices: Int[np.ndarray, "crystals"]) -> dict[str, np.ndarray]:
        """The graphs of a batch side by side, as one graph whose crystals are not connected.

        Returns:
            the fields of :class:`CrystalGraph`, with indices into the batch's atoms and bonds,
            and "atoms", "bonds", "angles": how many of each every crystal has. All whole numbers
            are int64.
        """
        records = self._arrays["record"][indices]
        batch = {kind: self._arrays[kind][records].astype(np.int64) for kind in MEMBERS}
        places = {}
        for kind in MEMBERS:
            count = batch[kind]
            begin = np.repeat(self._begin[kind][records] - (np.cumsum(count) - count), count)
            places[kind] = begin + np.arange(len(begin))
        for name, (kind, dtype) in FIELDS.items():
            values = self._arrays[name].take(places[kind])
            batch[name] = values if dtype is np.float32 else values.astype(np.int64)
        for kind, pointed in POINTS_TO.items():
            shift = shifts(batch[f"{pointed}s"], batch[f"{kind}s"])
            batch[f"{kind}_source"] += shift
            batch[f"{kind}_target"] += shift
        return batch

    def sizes(self, indices: Int[np.ndarray, "crystals"]) -> Int[np.ndarray, "crystals"]:
        """How many atoms, bonds and angles each graph has in all."""
        records = self._arrays["record"][indices]
        return np.sum([self._arrays[kind][records] for kind in MEMBERS], axis=0)

    @property
    def problems(self) -> dict[int, str]:
        """Why a crystal has no graph, by its index; its graph is empty. See ``build_graphs``."""
        letters = self._arrays["problem_letters"].tobytes().decode().split("\0")
        by_record = dict(zip(self._arrays["problem_records"].tolist(), letters, strict=False))
        records = self._arrays["record"].tolist()
        return {i: by_record[r] for i, r in enumerate(records) if r in by_record}


def build_graphs(
    structures: Sequence[Structure],
    builder: GraphBuilder,
    cache_dir: Path,
    ids: Sequence[str] | None = None,
    progress: bool = True,
    strict: bool = True,
    workers: int | None = None,
) -> GraphStore:
    """The graphs of a collection, from the cache or built in parallel.

    Args:
        structures: the crystals; equal ones are built once.
        builder: what makes a graph of one.
        cache_dir: where graphs are kept, by the content of the structures and the builder's key.
        ids: names of the crystals for messages.
        progress: show a bar on stderr while building.
        strict: raise if a crystal has no graph; False leaves it empty and lists it in
            ``GraphStore.problems``.
        workers: see `mapped`.

    Raises:
        DataError: crystals without a graph, by their ids, with the reasons.
    """
    keys = [structure.key for structure in structures]
    unique = list(dict.fromkeys(keys))
    by_key = dict(zip(keys, structures, strict=True))

    def build() -> dict[str, np.ndarray]:
        distinct = [by_key[key] for key in unique]
        label = "building graphs"
        found = mapped_together(
            builder.graphs, distinct, label, _SECONDS, _TOGETHER, workers, progress
        )
        rank = {key: i for i, key in enumerate(unique)}
        record = np.array([rank[key] for key in keys], dtype=np.int64)
        return _packed(found) | {"record": record}

    content = digest(f"graphs {VERSION}", builder.key, *keys)
    store = GraphStore(cached_arrays(cache_dir / "graphs", content, build))
    if strict and store.problems:
        raise DataError(_report(store.problems, ids))
    return store


def _packed(found: Sequence[CrystalGraph | DataError]) -> dict[str, np.ndarray]:
    """Graphs in flat arrays; what is wrong with a structure that has none."""
    graphs = [graph for graph in found if isinstance(graph, CrystalGraph)]
    problems = {i: str(flaw) for i, flaw in enumerate(found) if isinstance(flaw, DataError)}
    arrays = {
        name: np.concatenate(
            [np.empty(0, dtype), *(getattr(graph, name).astype(dtype) for graph in graphs)]
        )
        for name, (_, dtype) in FIELDS.items()
    }
    for kind, counted in zip(MEMBERS, ("species", "bond_source", "angle_source"), strict=True):
        arrays[kind] = np.array(
            [0 if isinstance(g, DataError) else len(getattr(g, counted)) for g in found], np.int64
        )
    arrays["problem_records"] = np.array(list(problems), dtype=np.int64)
    text = "".join(f"{problem}\0" for problem in problems.values())
    arrays["problem_letters"] = np.frombuffer(text.encode(), dtype=np.uint8)
    return arrays


def _report(problems: dict[int, str], ids: Sequence[str] | None) -> str:
    shown = [
        f"{f'structure {index}' if ids is None else ids[index]}: {problem}"
        for index, problem in list(problems.items())[:5]
    ]
    rest = f"\nand {len(problems) - 5} more" if len(problems) > 5 else ""
    return "\n".join(shown) + rest
