"""Multi-head attention of one modality over the other."""

from math import log

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from trialsmith.errors import InfeasibleConfig
from trialsmith.fusion.gauge import Gauge
from trialsmith.fusion.states import Rows

# Crystals of a batch whose attention is shown: its weights are not at hand, for the answers are
# computed without them. Of a whole batch they would cost several per cent of a training step.
WATCHED = 8


class CrossAttention(nn.Module):
    """Queries look at keys of another kind; the heads' answers stand side by side.

        head(x, y) = softmax(W_q x (W_k y)ᵀ / √d + b) W_v y,   d = hidden_dim / num_heads

    with b the logarithm of how often a key counts. A. Vaswani et al., arXiv 1706.03762, eq. 1;
    their output projection W_O is left to the caller. W_k and W_v have no constant term: the
    softmax ignores that of W_k, and what follows absorbs that of W_v.

    Args:
        site: the part that attends, as its key in the configuration, for messages.
        query_features: width of the queries.
        key_features: width of the keys.
        hidden_dim: width of all heads together.
        num_heads: must divide ``hidden_dim``.

    Raises:
        InfeasibleConfig: there is no width, or ``num_heads`` does not divide it.
    """

    def __init__(
        self, site: str, query_features: int, key_features: int, hidden_dim: int, num_heads: int
    ) -> None:
        super().__init__()
        if hidden_dim < 1:
            raise InfeasibleConfig(f"{site}.hidden_dim={hidden_dim} must be at least 1")
        if num_heads < 1 or hidden_dim % num_heads:
            raise InfeasibleConfig(
                f"{site}.num_heads={num_heads} must divide {site}.hidden_dim={hidden_dim}: "
                f"try {_nearest_divisors(hidden_dim, num_heads)}"
            )
        self.num_heads = num_heads
        self.query = nn.Linear(query_features, hidden_dim)
        self.key_value = nn.Linear(key_features, 2 * hidden_dim, bias=False)
        self.entropy = Gauge()

    def forward(self, queries: Rows, keys: Rows) -> Float[Tensor, "crystals queries hidden"]:
        query = self._heads(self.query(queries.values))
        key, value = map(self._heads, self.key_value(keys.values).chunk(2, dim=2))
        if self.entropy.watched:
            some = (x[:WATCHED] for x in (query, key, queries.log_count, keys.log_count))
            self.entropy(*_entropy(*some))
        bias = keys.log_count[:, None, None, :].to(key.dtype)
        answers = scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return answers.transpose(1, 2).flatten(2)

    def _heads(self, x: Tensor) -> Float[Tensor, "crystals heads rows width"]:
        return x.unflatten(2, (self.num_heads, -1)).transpose(1, 2)


class Reading(nn.Module):
    """Rows take up what they read: x' = LN(x + Drop(W Attention(x; y))).

    Args:
        site: as in `CrossAttention`, as are the widths.
        dropout: probability.
    """

    def __init__(
        self,
        site: str,
        features: int,
        key_features: int,
        hidden_dim: int,
        num_heads: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.attention = CrossAttention(site, features, key_features, hidden_dim, num_heads)
        self.out = nn.Sequential(nn.Linear(hidden_dim, features), nn.Dropout(dropout))
        self.norm = nn.LayerNorm(features)

    def forward(self, x: Rows, keys: Rows) -> Float[Tensor, "crystals rows features"]:
        return self.norm(x.values + self.out(self.attention(x, keys)))


@torch.no_grad()
def _entropy(
    query: Float[Tensor, "crystals heads queries width"],
    key: Float[Tensor, "crystals heads keys width"],
    query_log_count: Float[Tensor, "crystals queries"],
    key_log_count: Float[Tensor, "crystals keys"],
) -> tuple[Float[Tensor, "crystals queries"], Float[Tensor, "crystals queries"]]:
    """How widely each query looks, and how often the query counts.

    The entropy of its weights over the keys of the full graph, as a share of the largest that is
    possible, log Σ n; mean over the heads. It has none where there is one key to look at. Of n
    equal keys with score s each has the weight p = exp(s) / Z, so that H = log Z - Σ n p s.
    """
    score = (query @ key.transpose(-1, -2)).float() * query.shape[-1] ** -0.5
    weighed = score + key_log_count[:, None, None, :]
    entropy = weighed.logsumexp(-1) - (weighed.softmax(-1) * score).sum(-1)
    largest = key_log_count.logsumexp(-1, keepdim=True)
    has_choice = largest > 0
    share = entropy.mean(1) / largest.where(has_choice, torch.ones_like(largest))
    return share, query_log_count.exp() * has_choice


def _nearest_divisors(number: int, wanted: int) -> str:
    """The (up to) three divisors of ``number`` that are nearest to ``wanted`` as a ratio."""
    divisors = [d for d in range(1, number + 1) if number % d == 0]
    nearest = sorted(divisors, key=lambda d: abs(log(d / max(wanted, 1))))[:3]
    *others, last = map(str, sorted(nearest))
    return f"{', '.join(others)} or {last}" if others else last
