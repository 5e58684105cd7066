"""The links of a batch in chunks, cut where one target ends and the next begins."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Int

from trialsmith.data.batch import Links
from trialsmith.models.kernels import ChunkTable
from trialsmith.models.shares import RowLayout, bounds_of


@dataclass
class Chunks:
    """All chunks of a batch, numbered from 0; a range of them is some in a row."""

    table: ChunkTable
    _members: dict[range, slice] = field(default_factory=dict)
    _layouts: dict[tuple[range, ...], RowLayout] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.table.links) - 1

    @cached_property
    def sizes(self) -> list[int]:
        """Links in each."""
        return np.diff(self.table.links).tolist()

    @cached_property
    def rows(self) -> Int[np.ndarray, "links"]:
        """The row of each link, in features that every link has a row of."""
        return np.arange(self.table.links[-1])

    def links(self, some: range) -> slice:
        """The links of some chunks."""
        return slice(int(self.table.links[some.start]), int(self.table.links[some.stop]))

    def members(self, some: range) -> slice:
        """From the first to the last that their links join."""
        if some not in self._members:
            sources = span(self.table.source[self.links(some)])
            first, last = (int(self.table.targets[n]) for n in (some.start, some.stop))
            self._members[some] = slice(min(sources.start, first), max(sources.stop, last))
        return self._members[some]

    def layout(self, shares: Sequence[range]) -> RowLayout:
        """Where shares sum up by member; to each belong the targets of its chunks."""
        key = tuple(shares)
        if key not in self._layouts:
            spans = [self.members(share) for share in shares]
            self._layouts[key] = RowLayout.of(self.table.targets[bounds_of(shares)], spans)
        return self._layouts[key]


class ChunkedLinks:
    """The links of a batch, cut once for all layers of the same width.

    Args:
        links: sorted by target.
        members: number of atoms or bonds that they join.

    Raises:
        ValueError: the links are not sorted, join what is no member, or lack a part.
    """

    def __init__(self, links: Links, members: int) -> None:
        source, target = links.source, links.target
        parts = source, target, links.weight, links.multiplicity
        if len({len(part) for part in parts}) > 1:
            raise ValueError(f"links have parts of {[len(part) for part in parts]} links")
        for ends in (source, target):
            if len(ends) and not 0 <= ends.min() <= ends.max() < members:
                raise ValueError(f"links must join the members 0 to {members - 1}")
        if (links.target[1:] < links.target[:-1]).any():
            raise ValueError("links must be sorted by target")
        self.links, self.members = links, members
        self.multiplicity = links.multiplicity
        self._cut: dict[int, Chunks] = {}

    def __len__(self) -> int:
        return len(self.links)

    def chunks(self, rows: int) -> Chunks:
        """Chunks of about ``rows`` links; none is empty unless there are no links at all."""
        if rows not in self._cut:
            near = torch.searchsorted(self._starts, torch.arange(0, len(self), rows)[1:])
            inner = near[self._starts[near] < len(self)].unique()
            targets = torch.cat([inner.new_zeros(1), inner, inner.new_tensor([self.members])])
            self._cut[rows] = Chunks(
                ChunkTable(
                    links=self._starts[targets].numpy(),
                    targets=targets.numpy(),
                    source=self.links.source.numpy(),
                    starts=self._starts.numpy(),
                    weight=self.links.weight.numpy(),
                )
            )
        return self._cut[rows]

    @cached_property
    def _starts(self) -> Int[torch.Tensor, "members_and_end"]:
        return torch.searchsorted(self.links.target, torch.arange(self.members + 1))


def span(rows: Int[np.ndarray, "rows"]) -> slice:
    """From the least to the greatest."""
    return slice(int(rows.min()), int(rows.max()) + 1) if len(rows) else slice(0, 0)
