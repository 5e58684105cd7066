"""Multi-head attention of one modality over the other."""

from math import log

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from trialsmith.errors import InfeasibleConfig


class CrossAttention(nn.Module):
    """Queries look at keys of another kind; the heads' answers stand side by side.

        head(x, y) = softmax(W_q x (W_k y)ᵀ / √d + b) W_v y,   d = hidden_dim / num_heads

    with b a bias on keys (-∞ hides one, log n counts it n times). A. Vaswani et al.,
    arXiv 1706.03762, eq. 1; their output projection W_O is left to the caller. W_k and W_v have
    no constant term: the softmax ignores that of W_k, and what follows absorbs that of W_v.

    Args:
        site: the part that attends, as its key in the configuration, for messages.
        query_features: width of the queries.
        key_features: width of the keys.
        hidden_dim: width of all heads together.
        num_heads: must divide ``hidden_dim``.

    Raises:
        InfeasibleConfig: ``num_heads`` does not divide ``hidden_dim``.
    """

    def __init__(
        self, site: str, query_features: int, key_features: int, hidden_dim: int, num_heads: int
    ) -> None:
        super().__init__()
        if num_heads < 1 or hidden_dim % num_heads:
            raise InfeasibleConfig(
                f"{site}.num_heads={num_heads} must divide {site}.hidden_dim={hidden_dim}: "
                f"try {_nearest_divisors(hidden_dim, num_heads)}"
            )
        self.num_heads = num_heads
        self.query = nn.Linear(query_features, hidden_dim)
        self.key_value = nn.Linear(key_features, 2 * hidden_dim, bias=False)

    def forward(
        self,
        queries: Float[Tensor, "crystals queries query_features"],
        keys: Float[Tensor, "crystals keys key_features"],
        bias: Float[Tensor, "crystals keys"],
    ) -> Float[Tensor, "crystals queries hidden"]:
        key, value = self.key_value(keys).chunk(2, dim=2)
        answers = scaled_dot_product_attention(
            self._heads(self.query(queries)),
            self._heads(key),
            self._heads(value),
            attn_mask=bias[:, None, None, :].to(key.dtype),
        )
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

    def forward(
        self,
        x: Float[Tensor, "crystals rows features"],
        keys: Float[Tensor, "crystals keys key_features"],
        bias: Float[Tensor, "crystals keys"],
    ) -> Float[Tensor, "crystals rows features"]:
        return self.norm(x + self.out(self.attention(x, keys, bias)))


def _nearest_divisors(number: int, wanted: int) -> str:
    """The (up to) three divisors of ``number`` that are nearest to ``wanted`` as a ratio."""
    divisors = [d for d in range(1, number + 1) if number % d == 0]
    nearest = sorted(divisors, key=lambda d: abs(log(d / max(wanted, 1))))[:3]
    *others, last = map(str, sorted(nearest))
    return f"{', '.join(others)} or {last}" if others else last
