"""From text to tokens: the data's side of every text encoder."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np


class Tokens(ABC):
    """Turns texts into sequences of token ids, or of token states that an encoder has computed.

    Attributes:
        features: width of a token's state; None if tokens are ids.
        key: a hash or name of everything that the tokens of a text depend on besides the text.
    """

    features: int | None
    key: str

    @abstractmethod
    def __call__(self, texts: Sequence[str], cache_dir: Path) -> list[np.ndarray]:
        """One array for each text: (tokens,) int64, or (tokens, features) float32.

        Text without content has zero tokens. Arrays may be read-only maps of cached files.

        Args:
            texts: one for each crystal.
            cache_dir: where slow tokens are kept.
        """


class NoTokens(Tokens):
    """Text that is not looked at: no tokens for any crystal."""

    features = None
    key = "none"

    def __call__(self, texts: Sequence[str], cache_dir: Path) -> list[np.ndarray]:
        return [np.zeros(0, dtype=np.int64) for _ in texts]
