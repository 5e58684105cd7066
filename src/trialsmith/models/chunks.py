"""The links of a batch in chunks, cut where one target ends and the next begins."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag

from trialsmith.data.batch import Links


@dataclass
class Chunk:
    """Some targets in a row, and all links that end at them."""

    links: slice
    targets: slice
    source: Int[Tensor, "links"]
    target: Int[Tensor, "links"]
    weight: Float[Tensor, "links"]
    starts: Int[Tensor, "targets"]  # of each target's links, counted within the chunk
    places: Int[Tensor, "links"]  # 0, 1, 2, ...

    def sum_at_targets(
        self, x: Float[Tensor, "links hidden"], weighted: bool = True
    ) -> Float[Tensor, "targets hidden"]:
        """Σ w x over the links of each target, in one pass over x; zero where there is none."""
        weight = self.weight if weighted else None
        return embedding_bag(self.places, x, self.starts, mode="sum", per_sample_weights=weight)


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
            self._cut[rows] = [self._chunk(begin, end) for begin, end in cuts]
        return self._cut[rows]

    @cached_property
    def _starts(self) -> Int[Tensor, "members_and_end"]:
        return torch.searchsorted(self.links.target, torch.arange(self.members + 1))

    def _chunk(self, begin: int, end: int) -> Chunk:
        starts = self._starts[begin:end]
        links = slice(int(self._starts[begin]), int(self._starts[end]))
        return Chunk(
            links=links,
            targets=slice(begin, end),
            source=self.links.source[links],
            target=self.links.target[links],
            weight=self.links.weight[links],
            starts=starts - links.start,
            places=torch.arange(links.stop - links.start),
        )
