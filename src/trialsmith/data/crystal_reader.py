"""New crystals for a trained model: read, described, drawn as graphs and put into batches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trialsmith.data.batch import CrystalBatch, collate
from trialsmith.data.crystal_inputs import crystal_rows
from trialsmith.data.elements import check_known
from trialsmith.data.parse import parse
from trialsmith.data.problem import Problem
from trialsmith.data.reader import Reader
from trialsmith.data.source import Row
from trialsmith.errors import DataError
from trialsmith.graph import GraphBuilder, Structure
from trialsmith.text import NoTokens, Tokens, describe

_SHOWN = 5  # names in a warning


class CrystalReader(Reader):
    """Crystals as `CrystalData` reads its own: the same graphs, the same texts and tokens.

    Args:
        tokens, graph, texts: as in training.
        describe: whose texts the describer writes: of crystals without one (`missing`), of none
            (`never`), of all (`always`).
        columns: of the training's tables, by role.
        cache_dir: where slow tokens are kept.
        elements: atomic numbers that the training split has.
        share_of_texts: of the training's crystals, those that came with a text.
    """

    def __init__(
        self,
        tokens: Tokens,
        graph: GraphBuilder,
        describe: str,
        texts: str,
        columns: Mapping[str, str | None],
        cache_dir: Path,
        elements: Iterable[int],
        share_of_texts: float,
    ) -> None:
        self.tokens, self.graph, self.describe, self.texts = tokens, graph, describe, texts
        self.columns, self.cache_dir = columns, cache_dir
        self.elements, self.share_of_texts = frozenset(elements), share_of_texts
        self._unseen: dict[int, list[str]] = {}
        self._written = 0

    def samples(self, inputs: Iterable[Any]) -> Iterator[Row | Problem]:
        """See `crystal_rows`."""
        return crystal_rows(inputs, self.columns)

    def batch(self, samples: Sequence[Row]) -> tuple[CrystalBatch | None, list[int], list[Problem]]:
        """See `Reader.batch`."""
        found = [_structure_or_flaw(row) for row in samples]
        drawn = [i for i, structure in enumerate(found) if isinstance(structure, Structure)]
        structures = [s for s in found if isinstance(s, Structure)]
        graphs = self.graph.graphs(structures)
        flaws = {i: flaw for i, flaw in enumerate(found) if isinstance(flaw, DataError)}
        flaws |= {i: g for i, g in zip(drawn, graphs, strict=True) if isinstance(g, DataError)}
        problems = [Problem(samples[i].where, samples[i].id, str(flaws[i])) for i in sorted(flaws)]
        kept = [i for i in range(len(samples)) if i not in flaws]
        if not kept:
            return None, [], problems
        good = [g for g in graphs if not isinstance(g, DataError)]
        chosen = dict(zip(drawn, structures, strict=True))
        for i in kept:
            self._note_elements(samples[i].id, chosen[i])
        tokens = self._tokens([samples[i].text for i in kept], [chosen[i] for i in kept])
        batch = collate(good, tokens, ids=[samples[i].id for i in kept])
        return batch, kept, problems

    def warnings(self) -> list[str]:
        """Elements that the training split lacks, and texts of another author."""
        from ase.data import chemical_symbols

        found = [
            f"{chemical_symbols[number]} is in no crystal of the training split: do not trust "
            f"{', '.join(ids)}{', ...' if len(ids) == _SHOWN else ''}"
            for number, ids in sorted(self._unseen.items())
        ]
        if self._written and self.share_of_texts > 0:
            found.append(
                f"{self._written} crystals have no text and got one of the built-in describer; "
                f"{self.share_of_texts:.0%} of the training's crystals came with texts of their own"
            )
        if self.texts == "shuffled":
            found.append("the model was trained on shuffled texts, as a control: what for?")
        return found

    def _tokens(self, texts: Sequence[str], structures: Sequence[Structure]) -> list[np.ndarray]:
        if not isinstance(self.tokens, NoTokens) and self.texts != "removed":
            texts = [self._text(*pair) for pair in zip(texts, structures, strict=True)]
        arrays = self.tokens(texts, self.cache_dir)
        return [array[:0] for array in arrays] if self.texts == "removed" else arrays

    def _text(self, text: str, structure: Structure) -> str:
        if self.describe == "always":
            return describe(structure)
        if self.describe == "missing" and not text:
            self._written += 1
            return describe(structure)
        return text

    def _note_elements(self, id: str, structure: Structure) -> None:
        for number in {*structure.numbers.tolist()} - self.elements:
            ids = self._unseen.setdefault(number, [])
            if len(ids) < _SHOWN:
                ids.append(id)


def _structure_or_flaw(row: Row) -> Structure | DataError:
    try:
        own = row.structure if isinstance(row.structure, Structure) else parse(row.structure)
        check_known(own)
    except DataError as flaw:
        return flaw
    return own
