"""Words and numbers, hashed into a fixed vocabulary."""

import re
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from trialsmith.errors import InfeasibleConfig
from trialsmith.text.tokens import Tokens

# A capital begins a word, so that a formula falls apart into its elements: YbNiSn2 → Yb Ni Sn 2.
# Capitals stay, as they tell indium from "in" and cobalt from carbon monoxide.
WORD = re.compile(r"\d+(?:\.\d+)?|[A-Z][a-z]*|[^\W\d_A-Z]+|[-/]")


class HashedTokens(Tokens):
    """Words and numbers as ids in 1 … vocabulary − 1, by a hash: nothing to download or to fit.

    A decimal number counts with two significant digits, so that 2.82 Å and 2.79 Å are one token
    and neighbouring numbers are seen often enough to be learned. Different words may share an id
    (Weinberger et al., Feature hashing, ICML 2009). The id 0 is left for padding.

    Args:
        vocabulary: how many ids there are, padding included.
        max_tokens: what comes later in a text is left out.
    """

    features = None

    def __init__(self, vocabulary: int = 4096, max_tokens: int = 256) -> None:
        if vocabulary < 2:
            raise InfeasibleConfig(
                f"text.tokens.vocabulary={vocabulary} must be at least 2 (padding and one word): "
                "try 4096"
            )
        if max_tokens < 1:
            raise InfeasibleConfig(
                f"text.tokens.max_tokens={max_tokens} must be at least 1: try 256, or text=none"
            )
        self.vocabulary, self.max_tokens = vocabulary, max_tokens
        self.key = f"hashed 1 {vocabulary} {max_tokens}"
        self._ids: dict[str, int] = {}

    def __call__(self, texts: Sequence[str], cache_dir: Path) -> list[np.ndarray]:
        return [self._tokens(text) for text in texts]

    def _tokens(self, text: str) -> Int64[np.ndarray, "tokens"]:
        found = WORD.findall(text)[: self.max_tokens]
        return np.array([self._id(word) for word in found], dtype=np.int64)

    def _id(self, word: str) -> int:
        if word not in self._ids:
            plain = f"{float(word):.2g}" if "." in word and word[0].isdecimal() else word
            number = int.from_bytes(blake2b(plain.encode(), digest_size=8).digest())
            self._ids[word] = 1 + number % (self.vocabulary - 1)
        return self._ids[word]
