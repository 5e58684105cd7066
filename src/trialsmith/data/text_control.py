"""Texts given to the wrong crystals: what a model makes of the text's presence alone."""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Int

from trialsmith.errors import DataError

log = logging.getLogger(__name__)

TEXTS = ("given", "shuffled", "removed")


def check_texts(word: str) -> None:
    """Raises:
    DataError: `word` is none of `TEXTS`.
    """
    if word not in TEXTS:
        raise DataError(f"data.texts={word} must be one of {', '.join(TEXTS)}.")


def shuffled(
    texts: Sequence[str], parts: Mapping[str, Int[np.ndarray, "part"]], seed: int
) -> Int[np.ndarray, "texts"]:
    """The index of the text that each crystal gets instead of its own.

    Each part is shuffled in itself: no text of val or test is seen in training, and each part has
    just the texts that it had, so that nothing but the pairing is lost. Rows of no part keep
    theirs.

    Args:
        texts: one for each crystal.
        parts: the rows of train, val and test.
        seed: of the draw.
    """
    order = np.arange(len(texts))
    random = np.random.default_rng(seed)
    for rows in parts.values():
        order[rows] = rows[exchange([texts[i] for i in rows], random)]
    chosen = np.concatenate(list(parts.values()))
    kept = sum(texts[i] == texts[order[i]] for i in chosen)
    if kept:
        alone = [part for part, rows in parts.items() if len(rows) == 1]
        reasons = [f"{' and '.join(alone)} has one crystal only"] if alone else []
        if kept > len(alone):
            reasons.append("more than half of a part has the same text")
        log.warning(
            "data.texts=shuffled: %d of %d crystals keep their text, for %s",
            *(kept, len(chosen), " and ".join(reasons)),
        )
    return order


def exchange(texts: Sequence[str], random: np.random.Generator) -> Int[np.ndarray, "texts"]:
    """A random permutation after which as few as possible have the text that they had.

    Equal texts are put side by side in a random order, and all move on by the length n of the
    longest run of equal ones. Of N texts max(0, 2n − N) then keep theirs, and no permutation
    leaves fewer.
    """
    position = random.permutation(len(texts))
    rank: dict[str, int] = {}
    groups = np.array([rank.setdefault(texts[i], len(rank)) for i in position], dtype=np.int64)
    sequence = position[np.argsort(groups, kind="stable")]
    longest = int(np.bincount(groups).max()) if len(groups) else 0
    order = np.empty(len(texts), dtype=np.int64)
    order[sequence] = np.roll(sequence, -longest)
    return order
