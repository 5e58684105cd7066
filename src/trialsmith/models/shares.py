"""Chunks of work, divided among threads that compute by themselves.

A product or a sum of one chunk is small: threads that divide each of them wait for each other most
of the time. Here every thread has a share of the chunks and meets the others at the end.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from trialsmith.models.threads import Result, in_threads

# Of one array of a chunk: two of them and the weights stay in a core's second-level cache of a
# megabyte. With half or twice as much, products and loops were measured to be slower.
CHUNK_BYTES = 384 * 2**10
_WORTH_A_THREAD = 192 * 2**10  # with less of an array, a thread takes longer to wake than to work


def shares_of(count: int, most: int | None = None) -> list[range]:
    """A share of the chunks 0 … count - 1 for each thread, as equal as can be; none is empty.

    They depend on the number of torch's threads alone, so that the same number of threads gives the
    same sums.

    Args:
        most: shares, instead of the number of threads.
    """
    parts = torch.get_num_threads() if most is None else most
    bounds = [count * k // parts for k in range(parts + 1)]
    return [range(a, b) for a, b in pairwise(bounds) if a < b]


def rows_of(share: range, chunks: Sequence[slice]) -> slice:
    """The rows of a share, whose chunks lie one after the other."""
    return slice(chunks[share[0]].start, chunks[share[-1]].stop)


def in_shares(shares: Sequence[range], work: Callable[[range], Result]) -> list[Result]:
    """What ``work`` returns of each share, in their order; they are worked on side by side.

    Nothing in ``work`` is differentiated.
    """
    if len(shares) <= 1:
        return [work(share) for share in shares]
    return in_threads(len(shares), lambda number: work(shares[number]))


def summed(shares: Iterable[tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
    """Of each accumulator the sum over all shares, written to the first one's."""
    first, *others = shares
    for share in others:
        for total, part in zip(first, share, strict=True):
            total += part
    return first


@dataclass
class RowSums:
    """Sums by row, for a share of the chunks that has to do with some rows alone."""

    rows: slice
    sums: Float[Tensor, "rows ..."]

    @classmethod
    def zeros(cls, like: Float[Tensor, "all ..."], rows: slice, share: range) -> "RowSums":
        """Room for some of the rows of ``like``; the first share has room for all."""
        rows = rows if share.start else slice(0, len(like))
        return cls(rows, like.new_zeros(rows.stop - rows.start, *like.shape[1:]))


def in_all_rows(shares: Sequence[RowSums]) -> Float[Tensor, "all ..."]:
    """The sums over all shares, written to the first one's."""
    first, *others = shares
    for other in others:
        first.sums[other.rows] += other.sums
    return first.sums


def rows_of_a_chunk(x: np.ndarray) -> int:
    """As many rows of ``x`` as the cache holds, or fewer: every thread gets as many chunks."""
    bytes_of_a_row = max(1, x.strides[0])
    most = max(1, CHUNK_BYTES // bytes_of_a_row)
    threads = min(torch.get_num_threads(), max(1, len(x) * bytes_of_a_row // _WORTH_A_THREAD))
    rounds = max(1, -(-len(x) // (most * threads)))
    return max(1, -(-len(x) // (rounds * threads)))
