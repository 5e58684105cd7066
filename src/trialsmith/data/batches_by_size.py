"""Batches of equal size instead of equal count: no batch is much slower than another."""

import heapq
from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float
from torch.utils.data import Sampler

# How full batches are meant to be: the rest leaves room to mix them anew in every epoch.
_FILLED = 0.95


class BatchesBySize(Sampler[list[int]]):
    """Lists of members whose sizes add up to at most ``limit``; a larger member stands alone.

    Every member is in one batch, and the number of batches is the same in every epoch. Shuffled,
    members are dealt out the large ones first, each to the batch that is emptiest so far (Graham,
    SIAM J. Appl. Math. 17, 416 (1969)), in an order that is by size up to chance: so batches are
    equal within a small member's size and mixed anew in every epoch, by torch's global seed. There
    is no leftover, so none is dropped.

    Args:
        sizes: of the members.
        limit: of the sum over a batch, in the same unit.
        shuffle: False keeps the members in their order and fills one batch after the other.
    """

    def __init__(self, sizes: Float[np.ndarray, "members"], limit: float, shuffle: bool) -> None:
        self.sizes, self.limit, self.shuffle = sizes, limit, shuffle
        self._alone = [[i] for i in np.flatnonzero(sizes > limit).tolist()]
        self._others = np.flatnonzero(sizes <= limit)
        if not shuffle:
            self._in_order = _filled(sizes, limit)
            return
        total = sizes[self._others].sum()
        # More batches than members of some size would leave one empty: those of none gather in the
        # first that is. Without members there is no batch.
        most = max(int(np.count_nonzero(sizes[self._others])), min(1, len(self._others)))
        self._dealt_to = min(most, max(1, int(np.ceil(total / (_FILLED * limit)))))
        while not self._fit(self._dealt()):
            self._dealt_to += 1

    def __len__(self) -> int:
        return self._dealt_to + len(self._alone) if self.shuffle else len(self._in_order)

    def __iter__(self) -> Iterator[list[int]]:
        if not self.shuffle:
            yield from self._in_order
            return
        random = np.random.default_rng(int(torch.empty((), dtype=torch.int64).random_()))
        batches = self._mixed(random) + self._alone
        for k in random.permutation(len(batches)):
            yield batches[k]

    def _mixed(self, random: np.random.Generator) -> list[list[int]]:
        chance = random.random(len(self._others))
        for part in (0.5, 0.25, 0.125):
            batches = self._dealt(1 - part * chance)
            if self._fit(batches):
                return batches
        return self._dealt()

    def _dealt(self, seen: Float[np.ndarray, "others"] | float = 1.0) -> list[list[int]]:
        """Each member, by size times ``seen``, to the batch that is emptiest so far."""
        by_size = np.argsort(-self.sizes[self._others] * seen, kind="stable")
        order = self._others[by_size]
        batches: list[list[int]] = [[] for _ in range(self._dealt_to)]
        emptiest = [(0.0, k) for k in range(self._dealt_to)]
        for member, size in zip(order.tolist(), self.sizes[order].tolist(), strict=True):
            filled, k = emptiest[0]
            batches[k].append(member)
            heapq.heapreplace(emptiest, (filled + size, k))
        return batches

    def _fit(self, batches: list[list[int]]) -> bool:
        return all(self.sizes[batch].sum() <= self.limit for batch in batches)


def _filled(sizes: Float[np.ndarray, "members"], limit: float) -> list[list[int]]:
    """Members in their order, as many to a batch as go into it."""
    batches: list[list[int]] = []
    filled = np.inf
    for member, size in enumerate(sizes.tolist()):
        if filled + size > limit:
            batches.append([])
            filled = 0.0
        batches[-1].append(member)
        filled += size
    return batches
