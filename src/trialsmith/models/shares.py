"""Chunks of work, divided among threads that compute by themselves.

A product or a sum of one chunk is small: threads that divide each of them wait for each other most
of the time. Here every thread has a share of the chunks and meets the others at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from trialsmith.models import kernels

_SECOND_LEVEL = Path("/sys/devices/system/cpu/cpu0/cache/index2/size")


def _bytes_of_a_chunk() -> int:
    """Of one array: two of them and the weights stay in a core's second-level cache, if that has
    1 MB or more.

    With 384 KB where the cache has 1 MB, half or twice as much were measured to be slower. The
    first core is asked for all.
    """
    try:
        of_cache = int(_SECOND_LEVEL.read_text().removesuffix("K\n")) * 2**10
    except (OSError, ValueError):  # not Linux, or not written so
        of_cache = 2**20
    return min(max(192 * 2**10, of_cache * 3 // 8), 2**20)


CHUNK_BYTES = _bytes_of_a_chunk()
_WORTH_A_THREAD = 24 * 2**10  # with less of an array, a thread takes longer to wake than to work


def shares_of(count: int, most: int | None = None) -> list[range]:
    """A share of the chunks 0 … count - 1 for each thread, as equal as can be; none is empty.

    They depend on the number of torch's threads alone, so that the same number of threads gives the
    same sums on the same kind of processor.

    Args:
        most: shares, instead of the number of threads.
    """
    parts = torch.get_num_threads() if most is None else most
    bounds = [count * k // parts for k in range(parts + 1)]
    return [range(a, b) for a, b in pairwise(bounds) if a < b]


def bounds_of(shares: Sequence[range]) -> Int[np.ndarray, "shares_and_end"]:
    """Where each begins, and the last ends."""
    return np.array([*(share.start for share in shares), shares[-1].stop])


def rows_of_shares(x: np.ndarray, most: int) -> Int[np.ndarray, "shares_and_end"]:
    """Where the rows of each thread begin, of at most so many threads, and the last end."""
    shares = max(1, min(_threads_worth_waking(x), most))
    return np.array([len(x) * k // shares for k in range(shares + 1)])


@dataclass(frozen=True, eq=False)
class RowLayout:
    """Where shares sum up what belongs to some rows each.

    Every row belongs to a share, which sums it up in place. What other shares have for it, they sum
    up in rows of their own behind all others, until `RowSums.total`.
    """

    owned: Int[np.ndarray, "shares_and_end"]  # where each share's rows begin, and the last's end
    others: list[slice]  # what each share has to do with before its own rows, and behind them

    @classmethod
    def of(cls, owned: Int[np.ndarray, "shares_and_end"], spans: Sequence[slice]) -> "RowLayout":
        """For shares that have to do with the rows of ``spans``."""
        others = []
        for (begin, end), span in zip(pairwise(owned.tolist()), spans, strict=True):
            others.append(slice(min(span.start, begin), min(span.stop, begin)))
            others.append(slice(max(span.start, end), max(span.stop, end)))
        return cls(owned, others)

    @cached_property
    def sizes(self) -> list[int]:
        """The number of all rows, and of those that each of ``others`` has behind them."""
        return [int(self.owned[-1]), *map(length, self.others)]

    @cached_property
    def places(self) -> dict[str, np.ndarray]:
        """What a `kernels.RowTable` tells beside the sums."""
        begins = np.cumsum(self.sizes)
        distances = begins[:-1] - [span.start for span in self.others]
        # copies: a kernel is compiled anew for arrays with gaps
        parts = {"others": begins[::2], "before": distances[::2], "behind": distances[1::2]}
        return {"owned": self.owned} | {name: part.copy() for name, part in parts.items()}

    def room(self, like: Float[Tensor, "_ ..."]) -> "RowSums":
        """For sums like a row of ``like`` each; nothing is written yet."""
        return RowSums(like.new_empty(sum(self.sizes), *like.shape[1:]), self)


@dataclass
class RowSums:
    """Sums by row, as they are laid out."""

    sums: Float[Tensor, "rows_and_others ..."]
    layout: RowLayout

    @property
    def table(self) -> kernels.RowTable:
        """As kernels know it."""
        return kernels.RowTable(self.sums.numpy(), **self.layout.places)

    def total(self) -> Float[Tensor, "rows ..."]:
        """Over all shares, written to ``sums``: to be asked for once."""
        total, *others = self.sums.split(self.layout.sizes)
        for span, sums in zip(self.layout.others, others, strict=True):
            if length(span):
                total[span].add_(sums)
        return total


def over_shares(sums: Float[Tensor, "shares ..."]) -> Float[Tensor, "..."]:
    """The sum of what shares have each summed up.

    Of two matrices by addition: torch's sum over so short an axis takes three times as long.
    """
    return sums[0] + sums[1] if len(sums) == 2 else sums.sum(0)


def length(span: slice) -> int:
    """Of a slice with both ends."""
    return int(span.stop - span.start)


def rows_of_a_chunk(x: np.ndarray) -> int:
    """As many rows of ``x`` as the cache holds, or fewer: every thread gets as many chunks."""
    bytes_of_a_row = max(1, x.strides[0])
    most = max(1, CHUNK_BYTES // bytes_of_a_row)
    threads = _threads_worth_waking(x)
    rounds = max(1, -(-len(x) // (most * threads)))
    return max(1, -(-len(x) // (rounds * threads)))


def _threads_worth_waking(x: np.ndarray) -> int:
    return min(torch.get_num_threads(), max(1, len(x) * x.strides[0] // _WORTH_A_THREAD))
