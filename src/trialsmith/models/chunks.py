"""The links of a batch in chunks, cut where one target ends and the next begins."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float, Int

from trialsmith.data.batch import Links


@dataclass
class Chunk:
    """Some targets in a row, and all links that end at them."""

    number: int  # among all of the batch
    links: slice
    targets: slice
    source: Int[np.ndarray, "links"]
    weight: Float[np.ndarray, "links"]
    starts: Int[np.ndarray, "targets_and_end"]  # of each target's links, counted within the chunk

    def __len__(self) -> int:
        return self.links.stop - self.links.start


class ChunkedLinks:
    """The links of a batch, cut once for all layers of the same width.

    Args:
        links: sorted by target.
        members: number of atoms or bonds that they join.

    Raises:
        ValueError: the links are not sorted.
    """

    def __init__(self, links: Links, members: int) -> None:
        if (links.target[1:] < links.target[:-1]).any():
            raise ValueError("links must be sorted by target")
        self.links, self.members = links, members
        self.multiplicity = links.multiplicity
        self._cut: dict[int, list[Chunk]] = {}

    def __len__(self) -> int:
        return len(self.links)

    def chunks(self, rows: int) -> list[Chunk]:
        """Chunks of about ``rows`` links; none is empty unless there are no links at all."""
        if rows not in self._cut:
            near = torch.searchsorted(self._starts, torch.arange(0, len(self), rows)[1:])
            inner = near[self._starts[near] < len(self)].unique().tolist()
            cuts = pairwise([0, *inner, self.members])
            self._cut[rows] = [self._chunk(n, *bounds) for n, bounds in enumerate(cuts)]
        return self._cut[rows]

    @cached_property
    def _starts(self) -> Int[torch.Tensor, "members_and_end"]:
        return torch.searchsorted(self.links.target, torch.arange(self.members + 1))

    def _chunk(self, number: int, begin: int, end: int) -> Chunk:
        starts = self._starts[begin : end + 1].numpy()
        links = slice(int(starts[0]), int(starts[-1]))
        return Chunk(
            number=number,
            links=links,
            targets=slice(begin, end),
            source=self.links.source[links].numpy(),
            weight=self.links.weight[links].numpy(),
            starts=starts - links.start,
        )
