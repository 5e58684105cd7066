"""Texts of our own for crystals that came without one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from trialsmith.data.structure_arrays import letters, texts_of
from trialsmith.errors import DataError
from trialsmith.graph import Structure, cached_arrays, digest
from trialsmith.parallel import mapped
from trialsmith.text import describe

# Raise it whenever trialsmith.text.describe writes differently: old caches are left alone.
VERSION = 1
WHEN = ("missing", "never", "always")
_SECONDS = 0.008  # to describe a crystal of ten atoms


def described(
    texts: Sequence[str], structures: Sequence[Structure], when: str, cache_dir: Path
) -> list[str]:
    """The texts, with those of the describer in place of missing ones.

    Args:
        texts: one for each structure; empty where there is none.
        when: `missing` describes crystals without a text, `always` all, `never` none.

    Raises:
        DataError: another word for `when`.
    """
    check_when(when)
    lacking = [
        i for i, text in enumerate(texts) if when == "always" or (when == "missing" and not text)
    ]
    if not lacking:
        return list(texts)
    chosen = [structures[i] for i in lacking]
    key = digest(f"descriptions {VERSION}", *(structure.key for structure in chosen))

    def build() -> dict[str, np.ndarray]:
        return {"letters": letters(mapped(describe, chosen, "describing crystals", _SECONDS))}

    arrays = cached_arrays(cache_dir / "descriptions", key, build)
    new = dict(zip(lacking, texts_of(arrays["letters"]), strict=True))
    return [new.get(i, text) for i, text in enumerate(texts)]


def check_when(when: str) -> None:
    """Raises:
    DataError: a word that `described` does not know.
    """
    if when not in WHEN:
        raise DataError(f"data.describe={when} must be one of {', '.join(WHEN)}.")
