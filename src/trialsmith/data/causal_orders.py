"""Causal sets and orders that are none: made here, and what `data=causal_sets` builds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trialsmith.data.graph_batch import Graphs, GraphSource, packed, unpacked
from trialsmith.data.graph_data import GraphData
from trialsmith.data.graph_records import Graph, graph_of
from trialsmith.data.graph_roles import roles_of
from trialsmith.data.orders import layered, links, longest_chains, sprinkled
from trialsmith.errors import DataError
from trialsmith.graph import cached_arrays, digest
from trialsmith.parallel import mapped

# Raise it whenever the same seed gives other orders: old caches are left alone.
VERSION = 2
DIMENSIONS = (2, 3, 4)
LAYERED = "layered"
_SECONDS = 0.002  # for one order


class CausalSets(GraphSource):
    """Is a finite partial order a sample of a spacetime, and of how many dimensions?

    A quarter each is sprinkled into diamonds of Minkowski space of 2, 3 and 4 dimensions, and
    layered. Edges are the links; a node's features are the lengths of the longest chains to its
    future and past, the numbers of its links and relations, and the latter as shares of the other
    elements.

    Order i depends on the seed and on i alone: more orders begin with the same ones.

    Args:
        n: how many orders.
        elements: the fewest and the most elements of one.
        target: `dimension` tells four classes, 2, 3, 4 and layered; `spacetime` two, whether it is
            sprinkled, of which there are equally many then.
        seed: of the draw.
    """

    def __init__(self, n: int, elements: Sequence[int], target: str, seed: int) -> None:
        if target not in ("dimension", "spacetime"):
            raise DataError(f"data.target={target} must be dimension or spacetime.")
        if n < 1:
            raise DataError(f"data.n={n} must be at least 1.")
        if len(elements) != 2 or not 4 <= elements[0] <= elements[1]:
            raise DataError(
                f"data.elements={list(elements)} must be the fewest and the most elements of an "
                "order, 4 at least, e.g. [30,60]."
            )
        if seed < 0:
            raise DataError(f"data.order_seed={seed} must not be negative.")
        self.n, self.elements, self.target, self.seed = n, tuple(elements), target, seed

    def read(self, cache_dir: Path) -> Graphs:
        """The orders, made at first and cached; see `GraphSource.read`."""
        key = digest(f"orders {VERSION} {self.n} {self.elements} {self.target} {self.seed}")
        return unpacked(cached_arrays(cache_dir / "causal_sets", key, self._arrays))

    def _arrays(self) -> dict[str, np.ndarray]:
        made = mapped(self._order, range(self.n), "making causal sets", _SECONDS)
        return packed(made, [], self.target, "causal sets")

    def _order(self, index: int) -> Graph:
        draw = np.random.default_rng([self.seed, index])
        count = int(draw.integers(self.elements[0], self.elements[1] + 1))
        if self.target == "dimension":
            kind: int | str = (*DIMENSIONS, LAYERED)[index % 4]
        else:
            kind = LAYERED if index % 2 else DIMENSIONS[index // 2 % 3]
        order = layered(count, draw) if isinstance(kind, str) else sprinkled(count, kind, draw)
        sprinkling = "no" if kind == LAYERED else "yes"
        future, past = longest_chains(order)
        fields = {
            "label": kind if self.target == "dimension" else sprinkling,
            "link_matrix": links(order),
            "adjacency_matrix": order,
            "max_pathlen_future": future,
            "max_pathlen_past": past,
        }
        name = f"{index:06d}"
        return graph_of(fields, roles_of(fields, {}, name), True, name, f"order {name}")


def causal_sets(
    n: int = 600,
    elements: Sequence[int] = (30, 60),
    target: str = "dimension",
    order_seed: int = 0,
    **options: Any,
) -> GraphData:
    """Built-in causal sets: see `CausalSets`, and `GraphData` for the options.

    Args:
        order_seed: which ones; the split has a `seed` of its own.
    """
    return GraphData(CausalSets(n, elements, target, order_seed), **options)
