"""The graphs of a collection of crystals: built once, in parallel, and mapped from the cache."""

import multiprocessing
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from jaxtyping import Int
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from trialsmith.errors import DataError
from trialsmith.graph.builder import GraphBuilder
from trialsmith.graph.cache import cached_arrays, digest
from trialsmith.graph.crystal_graph import CrystalGraph
from trialsmith.graph.structure import Structure

# Bumped when the arrays of a record change.
VERSION = 1
CHUNK = 64  # structures a worker takes at a time
# Below so many structures a second process costs more to start than it saves.
WORTH_WORKERS = 1500

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
# What an index points to, which decides by how much it shifts in a batch.
POINTS_TO = {
    "bond_source": "atoms",
    "bond_target": "atoms",
    "angle_source": "bonds",
    "angle_target": "bonds",
}
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
        counts = {kind: self._arrays[kind][records].astype(np.int64) for kind in MEMBERS}
        places = {
            kind: np.repeat(self._begin[kind][records] - _starts(counts[kind]), counts[kind])
            + np.arange(counts[kind].sum())
            for kind in MEMBERS
        }
        batch = dict(counts)
        for name, (kind, dtype) in FIELDS.items():
            values = self._arrays[name][places[kind]]
            batch[name] = values if dtype is np.float32 else values.astype(np.int64)
        for name, pointed in POINTS_TO.items():
            batch[name] += np.repeat(_starts(counts[pointed]), counts[FIELDS[name][0]])
        return batch

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
        workers: processes; None for all CPUs if there are many structures, else this one only.

    Raises:
        DataError: crystals without a graph, by their ids, with the reasons.
    """
    keys = [structure.key for structure in structures]
    unique = list(dict.fromkeys(keys))
    by_key = dict(zip(keys, structures, strict=True))

    def build() -> dict[str, np.ndarray]:
        distinct = [by_key[key] for key in unique]
        packs = list(_packs(distinct, builder, _workers(workers, len(distinct)), progress))
        rank = {key: i for i, key in enumerate(unique)}
        record = np.array([rank[key] for key in keys], dtype=np.int64)
        return _joined(packs) | {"record": record}

    content = digest(f"graphs {VERSION}", builder.key, *keys)
    store = GraphStore(cached_arrays(cache_dir / "graphs", content, build))
    if strict and store.problems:
        raise DataError(_report(store.problems, ids))
    return store


def _starts(counts: Int[np.ndarray, "crystals"]) -> Int[np.ndarray, "crystals"]:
    return np.cumsum(counts) - counts


def _workers(workers: int | None, structures: int) -> int:
    # A daemon (a worker of multiprocessing.Pool) may not have processes of its own.
    if multiprocessing.current_process().daemon or structures <= CHUNK:
        return 1
    if workers is not None:
        return workers
    return len(os.sched_getaffinity(0)) if structures >= WORTH_WORKERS else 1


def _packs(
    structures: list[Structure], builder: GraphBuilder, workers: int, progress: bool
) -> Iterator[dict[str, np.ndarray]]:
    """Packed graphs, chunk after chunk in order, with a bar on stderr."""
    # Of no structures there is one chunk still, an empty one: its arrays have their types.
    chunks = [structures[i : i + CHUNK] for i in range(0, max(1, len(structures)), CHUNK)]
    columns = (
        TextColumn("building graphs"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=Console(stderr=True), disable=not (progress and structures)
    ) as bar:
        task = bar.add_task("", total=len(structures))
        for pack in _mapped(chunks, builder, workers):
            bar.advance(task, len(pack["atoms"]))
            yield pack


def _mapped(
    chunks: list[list[Structure]], builder: GraphBuilder, workers: int
) -> Iterator[dict[str, np.ndarray]]:
    if workers == 1:
        yield from (_pack(chunk, builder) for chunk in chunks)
        return
    # Spawned, not forked: this process may hold torch's threads and their locks.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(chunks)), mp_context=context) as pool:
        yield from pool.map(_pack, chunks, [builder] * len(chunks))


def _pack(structures: list[Structure], builder: GraphBuilder) -> dict[str, np.ndarray]:
    """The graphs of a few structures in flat arrays; a structure without one is noted."""
    graphs: list[CrystalGraph | None] = []
    problems: dict[int, str] = {}
    for number, structure in enumerate(structures):
        try:
            graphs.append(builder(structure))
        except DataError as problem:
            graphs.append(None)
            problems[number] = str(problem)
    pack = {
        name: np.concatenate(
            [np.empty(0, dtype), *(getattr(g, name).astype(dtype) for g in graphs if g is not None)]
        )
        for name, (_, dtype) in FIELDS.items()
    }
    for kind, counted in zip(MEMBERS, ("species", "bond_source", "angle_source"), strict=True):
        pack[kind] = np.array(
            [0 if g is None else len(getattr(g, counted)) for g in graphs], np.int64
        )
    pack["problem_records"] = np.array(list(problems), dtype=np.int64)
    text = "".join(f"{problem}\0" for problem in problems.values())
    pack["problem_letters"] = np.frombuffer(text.encode(), dtype=np.uint8)
    return pack


def _joined(packs: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Packs of following chunks as one."""
    before = 0
    for pack in packs:
        pack["problem_records"] = pack["problem_records"] + before
        before += len(pack["atoms"])
    return {name: np.concatenate([pack[name] for pack in packs]) for name in packs[0]}


def _report(problems: dict[int, str], ids: Sequence[str] | None) -> str:
    shown = [
        f"{f'structure {index}' if ids is None else ids[index]}: {problem}"
        for index, problem in list(problems.items())[:5]
    ]
    rest = f"\nand {len(problems) - 5} more" if len(problems) > 5 else ""
    return "\n".join(shown) + rest
