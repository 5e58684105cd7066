"""The data's side of text: a describer of crystals, and texts to tokens. Without torch."""

from trialsmith.text.describe import describe
from trialsmith.text.hashed_tokens import HashedTokens
from trialsmith.text.tokens import NoTokens, Tokens
from trialsmith.text.transformer_tokens import TransformerTokens

__all__ = ["HashedTokens", "NoTokens", "Tokens", "TransformerTokens", "describe"]
