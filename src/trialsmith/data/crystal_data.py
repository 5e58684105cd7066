"""Crystals for a Trainer: read, checked, split and put into batches."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from torch.utils.data import Dataset

from trialsmith.data.batch import CrystalBatch, batch_of, pad
from trialsmith.data.batches_by_size import BatchesBySize
from trialsmith.data.crystal_reader import CrystalReader
from trialsmith.data.descriptions import check_when, described
from trialsmith.data.elements import check_known
from trialsmith.data.parse import structures_of
from trialsmith.data.problem import Problem, in_order, refuse
from trialsmith.data.reader import packed_targets
from trialsmith.data.scaling import Standardiser
from trialsmith.data.source import Row, Rows, Source, without_duplicates
from trialsmith.data.split import PARTS, Split, held_out_twice, limited
from trialsmith.data.split_data import SplitData
from trialsmith.data.target import Target
from trialsmith.data.text_control import check_texts, shuffled
from trialsmith.errors import DataError
from trialsmith.graph import GraphBuilder, GraphStore, Structure, build_graphs, digest
from trialsmith.text import NoTokens, Tokens

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Crystals:
    """Rows that passed every check, and where their graphs are in the store."""

    rows: list[Row]
    structures: list[Structure]
    graphs: GraphStore
    places: Int[np.ndarray, "crystals"]
    targets: Float[np.ndarray, "crystals targets"]
    problems: list[Problem]


class CrystalBatches(Dataset[CrystalBatch]):
    """Batches by their indices: a whole batch is gathered at once."""

    def __init__(
        self,
        crystals: Crystals,
        tokens: Sequence[np.ndarray],
        part: Int[np.ndarray, "part"],
    ) -> None:
        self._crystals, self._tokens, self._part = crystals, tokens, part

    def __len__(self) -> int:
        return len(self._part)

    def __getitem__(self, index: int | list[int]) -> CrystalBatch:
        """A batch of one, or of these members of the part: a sampler of batches asks so."""
        return self.__getitems__([index] if isinstance(index, int) else index)

    def __getitems__(self, indices: list[int]) -> CrystalBatch:
        """The batch of these members of the part: DataLoader asks so for batches of one size."""
        chosen = self._part[indices]
        arrays = self._crystals.graphs.gather(self._crystals.places[chosen])
        return batch_of(
            arrays,
            arrays["atoms"],
            *pad([self._tokens[i] for i in chosen]),
            self._crystals.targets[chosen],
            [self._crystals.rows[i].id for i in chosen],
        )


class CrystalData(SplitData):
    """Crystals of any source, as graphs with tokens of their texts and standardised targets.

    Args:
        source: where rows come from.
        tokens: turns texts into tokens.
        graph: turns structures into graphs.
        describe: whose texts the describer writes: of rows that have none (`missing`), of none
            (`never`), of all (`always`).
        texts: `given`; as controls `shuffled`, each crystal with the text of another one of its
            part, whoever wrote it, or `removed`, every crystal without.
        text_seed: of the shuffling.
        on_error: `raise` refuses data with a bad row; `skip` leaves such rows out and lists them
            in `skipped`.
        limit: take only so many rows, drawn at random, of each part in proportion.
        fractions, n_train, n_val, n_test, seed, at_most: see `Split`.
        batch_size: crystals in a batch.
        batch_atoms: replaces `batch_size`: as much work in a batch as so many atoms of the training
            crystals make on average. Time and memory go with the members of the graphs, most of
            which are angles; by count, batches can differ by a factor of two. A larger crystal
            makes a batch of its own.
        num_workers: processes that gather batches; 0 is fastest, as a batch takes a millisecond.
        cache_dir: where structures, graphs and texts are kept, by their content.
    """

    def __init__(
        self,
        source: Source,
        tokens: Tokens,
        graph: GraphBuilder,
        describe: str = "missing",
        texts: str = "given",
        text_seed: int = 0,
        on_error: str = "raise",
        limit: int | None = None,
        fractions: Sequence[float] = (0.8, 0.1, 0.1),
        n_train: int | None = None,
        n_val: int | None = None,
        n_test: int | None = None,
        seed: int = 0,
        at_most: bool = False,
        batch_size: int = 64,
        batch_atoms: int | None = None,
        num_workers: int = 0,
        cache_dir: str | Path = ".cache",
    ) -> None:
        super().__init__(batch_size, num_workers, on_error, ("skip",), cache_dir)
        self.source, self.tokens, self.graph = source, tokens, graph
        self.split = Split(fractions, n_train, n_val, n_test, seed, at_most)
        self.describe, self.limit, self.batch_atoms = describe, limit, batch_atoms
        self.texts, self.text_seed = texts, text_seed
        check_when(describe)
        check_texts(texts)
        if batch_atoms is not None and batch_atoms < 1:
            raise DataError(
                f"data.batch_atoms={batch_atoms} must be at least 1: try 600, or null for batches "
                "of data.batch_size crystals."
            )

    @property
    def targets(self) -> tuple[Target, ...]:
        """What is predicted."""
        return self._rows.targets

    @property
    def dimensions(self) -> dict[str, int]:
        """What the data ask of a model: how many `outputs` it must have."""
        return {"outputs": len(self.targets)}

    @property
    def skipped(self) -> list[Problem]:
        """Rows that were left out because they cannot be used."""
        return self._crystals.problems

    @cached_property
    def scaler(self) -> Standardiser:
        """Of the targets, fitted on the training split only."""
        return self.standardiser(self._crystals.targets[self.parts["train"]])

    @cached_property
    def fingerprint(self) -> str:
        """A hash of crystals, targets and split: scores of equal fingerprints can be compared."""
        crystals = self._crystals
        return digest(
            *(str(target) for target in self.targets),
            *(row.id for row in crystals.rows),
            *(structure.key for structure in crystals.structures),
            crystals.targets,
            *(self.parts[part] for part in PARTS),
        )

    def state_dict(self) -> dict[str, Any]:
        """What `reader` must know of the training, for the checkpoint."""
        crystals, train = self._crystals, self.parts["train"].tolist()
        given = sum(bool(crystals.rows[i].text) for i in train)
        return {
            "targets": packed_targets(self.targets),
            "dimensions": self.dimensions,
            "elements": sorted({n for i in train for n in crystals.structures[i].numbers.tolist()}),
            "share_of_texts": given / len(train),
        }

    def reader(self, state: Mapping[str, Any]) -> CrystalReader:
        """Reads new crystals as these were; needs `state_dict`, and not the source."""
        return CrystalReader(
            self.tokens,
            self.graph,
            self.describe,
            self.texts,
            self.source.columns,
            self.cache_dir,
            state["elements"],
            state["share_of_texts"],
        )

    def prepare_data(self) -> None:
        """Builds every cache that is not there yet; one process builds, others wait."""
        self.parts, self._token_arrays  # noqa: B018

    def batches(self, part: str) -> CrystalBatches:
        """The crystals of a part."""
        return CrystalBatches(self._crystals, self._token_arrays, self.parts[part])

    def batching(self, part: str) -> dict[str, Any]:
        """In equal numbers, or with `batch_atoms` by equal work."""
        if self.batch_atoms is None:
            return super().batching(part)
        limit = self.batch_atoms * self._work_of_an_atom
        sampler = BatchesBySize(self._work[self.parts[part]], limit, shuffle=part == "train")
        return {"batch_size": None, "sampler": sampler}

    @cached_property
    def _work(self) -> Float[np.ndarray, "crystals"]:
        """How many members each crystal's graph has: what its time and memory go with."""
        return self._crystals.graphs.sizes(self._crystals.places).astype(np.float64)

    @property
    def _work_of_an_atom(self) -> float:
        train = self.parts["train"]
        atoms = sum(len(self._crystals.structures[i]) for i in train)
        return float(self._work[train].sum() / atoms)

    @cached_property
    def _rows(self) -> Rows:
        return self.source.read(self.cache_dir)

    @cached_property
    def _crystals(self) -> Crystals:
        """Rows with their graphs; refuses or leaves out those that have none."""
        rows, doubled = without_duplicates(self._rows.rows)
        chosen = limited(*_names_and_ids(rows), self.limit, self.split.seed)
        rows = [rows[i] for i in chosen]
        structures, unreadable = structures_of(rows, self.cache_dir)
        read = [(r, s) for r, s in zip(rows, structures, strict=True) if s is not None]
        problems = [*self._rows.problems, *doubled, *unreadable]
        if not read:
            refuse(problems, len(problems))
        graphs = build_graphs([s for _, s in read], self.graph, self.cache_dir, strict=False)
        flaws = graphs.problems | _without_features([s for _, s in read])
        problems += [Problem(read[i][0].where, read[i][0].id, flaw) for i, flaw in flaws.items()]
        problems = in_order(problems)
        places = [i for i in range(len(read)) if i not in flaws]
        if self.on_error == "raise" or not places:
            refuse(problems, len(self._rows.rows) + len(self._rows.problems))
        return Crystals(
            rows=[read[i][0] for i in places],
            structures=[read[i][1] for i in places],
            graphs=graphs,
            places=np.array(places),
            targets=np.array([read[i][0].targets for i in places], np.float64),
            problems=problems,
        )

    @cached_property
    def parts(self) -> dict[str, Int[np.ndarray, "part"]]:
        """The rows of train, val and test."""
        crystals = self._crystals
        parts = self.split(*_names_and_ids(crystals.rows))
        repeated = held_out_twice([structure.key for structure in crystals.structures], parts)
        if repeated:
            ids = ", ".join(crystals.rows[i].id for i in repeated[:5])
            log.warning(
                "%d crystals of val or test are also in train (%s%s): their errors flatter the "
                "model; leave them out, or give a split with data.columns.split",
                *(len(repeated), ids, ", ..." if len(repeated) > 5 else ""),
            )
        return parts

    @cached_property
    def _token_arrays(self) -> list[np.ndarray]:
        crystals = self._crystals
        texts = [row.text for row in crystals.rows]
        if not isinstance(self.tokens, NoTokens):
            texts = described(texts, crystals.structures, self.describe, self.cache_dir)
        arrays = self.tokens(texts, self.cache_dir)
        # tokens and not texts change hands: what is cached is the same in every case
        if self.texts == "shuffled":
            return [arrays[i] for i in shuffled(texts, self.parts, self.text_seed)]
        return [array[:0] for array in arrays] if self.texts == "removed" else arrays


def _without_features(structures: Sequence[Structure]) -> dict[int, str]:
    """What is wrong with structures of elements that no model knows, by their places."""
    flaws = {}
    for i, structure in enumerate(structures):
        try:
            check_known(structure)
        except DataError as flaw:
            flaws[i] = str(flaw)
    return flaws


def _names_and_ids(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    return [row.split for row in rows], [row.id for row in rows]
