"""Token states of a frozen, local transformer such as MatSciBERT."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from trialsmith.errors import DataError, InfeasibleConfig
from trialsmith.graph.cache import cached_arrays, digest
from trialsmith.text.tokens import Tokens

VERSION = 1
SHARD = 256  # texts in one cache record: what an interrupted run can lose


class TransformerTokens(Tokens):
    """The last hidden states of a BERT-like model in a local folder, computed once and cached.

    The folder is one that transformers' ``save_pretrained`` writes, with the tokenizer. Nothing is
    downloaded, and no code from the folder is run. The model is frozen and in evaluation mode, so
    its states depend on its files and the text alone: that is what the cache goes by.

    Args:
        path: the model's folder.
        max_tokens: what comes later in a text is left out.
        batch_size: texts in one forward pass; it does not change the result beyond rounding.
        features: width of a state; must be the model's own, and is stated because the rest of the
            network is built to it.

    Raises:
        InfeasibleConfig: transformers is not installed; the model's width is another.
        DataError: the folder is missing or holds no model.
    """

    features: int

    def __init__(
        self, path: str, max_tokens: int = 512, batch_size: int = 16, features: int = 768
    ) -> None:
        self.path = Path(path).expanduser()
        self.max_tokens, self.batch_size, self.features = max_tokens, batch_size, features
        for name in ("max_tokens", "batch_size"):
            if getattr(self, name) < 1:
                value = getattr(self, name)
                raise InfeasibleConfig(f"text.tokens.{name}={value} must be at least 1: try 16")
        if not (self.path / "config.json").is_file():
            raise DataError(
                f"text.path={path} is not the folder of a transformer (config.json is missing): "
                "save a model and its tokenizer there with save_pretrained"
            )

    @cached_property
    def key(self) -> str:  # type: ignore[override]
        files = sorted(file for file in self.path.iterdir() if file.is_file())
        contents = [part for file in files for part in (file.name, _hash(file))]
        return digest(f"transformer {VERSION}", np.array(self.max_tokens), *contents)

    def __call__(self, texts: Sequence[str], cache_dir: Path) -> list[np.ndarray]:
        distinct = sorted({text for text in texts if text.strip()})
        shards = [distinct[i : i + SHARD] for i in range(0, len(distinct), SHARD)]
        states = {"": np.zeros((0, self.features), dtype=np.float32)}
        for shard in shards:
            arrays = cached_arrays(
                cache_dir / "text",
                digest(self.key, *shard),
                lambda shard=shard: self._computed(shard),  # type: ignore[misc]
            )
            begin = np.cumsum(arrays["tokens"])[:-1]
            states |= zip(shard, np.split(arrays["states"], begin), strict=True)
        return [states[text if text.strip() else ""] for text in texts]

    def _computed(self, texts: list[str]) -> dict[str, np.ndarray]:
        """States of texts behind each other, and how many tokens each has."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))  # little padding
        states: list[np.ndarray] = [np.empty(0)] * len(texts)
        starts = range(0, len(order), self.batch_size)
        for start in track(starts, "reading texts", console=Console(stderr=True)):
            chosen = order[start : start + self.batch_size]
            for i, state in zip(chosen, self._states([texts[i] for i in chosen]), strict=True):
                states[i] = state
        tokens = np.array([len(state) for state in states])
        return {"tokens": tokens, "states": np.concatenate(states)}

    def _states(self, texts: list[str]) -> Iterator[np.ndarray]:
        import torch

        tokenizer, model = self._loaded
        batch = tokenizer(
            texts, truncation=True, max_length=self.max_tokens, padding=True, return_tensors="pt"
        )
        with torch.inference_mode():
            hidden = model(**batch).last_hidden_state.float().numpy()
        for row, mask in zip(hidden, batch["attention_mask"].bool().numpy(), strict=True):
            yield row[mask]

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        try:
            from transformers import AutoModel, AutoTokenizer
        except ImportError as missing:
            raise InfeasibleConfig(
                "text=transformer needs the extra: pip install 'trialsmith[transformer]'"
            ) from missing
        options = {"local_files_only": True, "trust_remote_code": False}
        try:
            tokenizer = AutoTokenizer.from_pretrained(self.path, **options)
            model = AutoModel.from_pretrained(self.path, weights_only=True, **options).eval()
        except (OSError, ValueError) as problem:
            raise DataError(f"text.path={self.path} cannot be loaded: {problem}") from problem
        if model.config.hidden_size != self.features:
            raise InfeasibleConfig(
                f"text.features={self.features} must be the width of the model at {self.path}: "
                f"set text.features={model.config.hidden_size}"
            )
        return tokenizer, model


def _hash(file: Path) -> str:
    with file.open("rb") as stream:
        total = sha256()
        while block := stream.read(1 << 20):
            total.update(block)
    return total.hexdigest()
