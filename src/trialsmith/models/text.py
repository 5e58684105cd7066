"""A crystal's text as states that a model can attend to."""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import pad, silu

from trialsmith.errors import InfeasibleConfig
from trialsmith.fusion.states import TextStates


class TextEncoder(nn.Module, ABC):
    """Tokens → states. A crystal without text gets one learned token that stands for absence.

    Args:
        features: width of the states.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features
        self.absence = nn.Parameter(torch.randn(features) * features**-0.5)

    @abstractmethod
    def encode(
        self, tokens: Tensor, mask: Bool[Tensor, "crystals tokens"]
    ) -> Float[Tensor, "crystals tokens features"]:
        """States of tokens as `CrystalBatch` holds them; those of padding are never read."""

    def forward(self, tokens: Tensor, mask: Bool[Tensor, "crystals tokens"]) -> TextStates:
        if mask.shape[1] == 0:
            return self._absent(len(mask))
        states = self.encode(tokens, mask)
        present = mask.any(dim=1)
        # a first token for those that have none
        without = torch.zeros_like(mask)
        without[:, 0] = ~present
        states = torch.where(without.unsqueeze(2), self.absence.to(states.dtype), states)
        return TextStates.of(states, mask | without, present)

    def _absent(self, crystals: int) -> TextStates:
        states = self.absence.expand(crystals, 1, -1)
        mask = states.new_ones(crystals, 1, dtype=torch.bool)
        return TextStates.of(states, mask, ~mask.squeeze(1))


class HashedEncoder(TextEncoder):
    """A small trainable encoder of token ids: an embedding, then layers that see neighbours.

        xₚ' = LN(xₚ + Drop(SiLU(W [xₚ₋₁; xₚ; xₚ₊₁])))

    so that the state of a number knows the words beside it. Beyond the ends of a text are zeros.

    Args:
        vocabulary: how many ids there are, 0, the padding, included.
        features: width of the states.
        layers: how many such layers; the state of a token sees as many tokens to either side.
        dropout: probability.
    """

    def __init__(
        self, vocabulary: int = 4096, features: int = 64, layers: int = 2, dropout: float = 0.1
    ) -> None:
        super().__init__(features)
        self.embedding = nn.Embedding(vocabulary, features, padding_idx=0)
        self.mixing = nn.ModuleList(nn.Linear(3 * features, features) for _ in range(layers))
        self.norms = nn.ModuleList(nn.LayerNorm(features) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)

    def encode(
        self, tokens: Int[Tensor, "crystals tokens"], mask: Bool[Tensor, "crystals tokens"]
    ) -> Float[Tensor, "crystals tokens features"]:
        real = mask.unsqueeze(2)
        x = self.embedding(tokens)
        for mix, norm in zip(self.mixing, self.norms, strict=True):
            ends = pad(x * real, (0, 0, 1, 1))
            windows = torch.cat([ends[:, :-2], ends[:, 1:-1], ends[:, 2:]], dim=2)
            x = norm(x + self.dropout(silu(mix(windows))))
        return x


class FrozenStates(TextEncoder):
    """Passes on token states that a frozen transformer gave beforehand.

    Args:
        features: width of those states.
    """

    def __init__(self, features: int = 768) -> None:
        super().__init__(features)

    def encode(
        self,
        tokens: Float[Tensor, "crystals tokens width"],
        mask: Bool[Tensor, "crystals tokens"],
    ) -> Float[Tensor, "crystals tokens features"]:
        """See `TextEncoder.encode`.

        Raises:
            InfeasibleConfig: the states have another width.
        """
        if tokens.shape[2] != self.features:
            raise InfeasibleConfig(
                f"text.features={self.features} must be the width of the transformer's states: "
                f"set text.features={tokens.shape[2]}"
            )
        return tokens


class Absent(TextEncoder):
    """No text for anybody: every crystal has the absence token alone.

    Args:
        features: width of that token.
    """

    def __init__(self, features: int = 64) -> None:
        super().__init__(features)

    def encode(
        self, tokens: Tensor, mask: Bool[Tensor, "crystals tokens"]
    ) -> Float[Tensor, "crystals tokens features"]:
        raise NotImplementedError("text=none has no tokens to encode")

    def forward(self, tokens: Tensor, mask: Bool[Tensor, "crystals tokens"]) -> TextStates:
        return self._absent(len(mask))
