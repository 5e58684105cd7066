"""Graphs from parsed structures, structures/s on one thread."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.peer import published
from benchmarks.peer.lane import Setting, Work, interleaved
from benchmarks.peer.sample import names, sample
from benchmarks.peer.size import Size
from benchmarks.peer.table import markdown, number, shown_ratio
from trialsmith.graph import GraphBuilder, Structure
from trialsmith.graph.neighbours import all_nearest
from trialsmith.graph.published import all_published

CUTOFF = 8.0  # Å; the builder's own for its rule `nearest`
AT_ONCE = 20  # structures, about as many as the builder takes at once


@dataclass(frozen=True)
class Theirs:
    """Its pure-torch builder on jarvis-tools' atoms; the features of elements are part of it."""

    structures: Sequence[Structure]
    angles: bool

    def __call__(self) -> Work:
        atoms = [published.atoms_of(structure) for structure in self.structures]
        return lambda: _each(lambda a: published.own_graph(a, self.angles), atoms)


@dataclass(frozen=True)
class TheirsOnDGL:
    """The rule of its paper, whole shells made mutual, which needs DGL."""

    structures: Sequence[Structure]

    def __call__(self) -> Work:
        from alignn.graphs import Graph

        atoms = [published.atoms_of(structure) for structure in self.structures]
        options = {"cutoff": CUTOFF, "neighbor_strategy": "k-nearest"}
        return lambda: _each(lambda a: Graph.atom_dgl_multigraph(a, **options), atoms)


@dataclass(frozen=True)
class Ours:
    """Our builder on many structures at once, as data are built; or the bonds of its rule alone."""

    structures: Sequence[Structure]
    build: GraphBuilder
    angles: bool = True

    def __call__(self) -> Work:
        return self._graphs if self.angles else self._bonds

    def _graphs(self) -> None:
        self.build.graphs(self.structures)

    def _bonds(self) -> None:
        for begin in range(0, len(self.structures), AT_ONCE):
            some = self.structures[begin : begin + AT_ONCE]
            if self.build.rule == "published":
                all_published(some, self.build.neighbours, published.GRAPH["cutoff"])
            else:
                all_nearest(some, self.build.neighbours, CUTOFF, self.build.shell_tolerance)


def _each(function: Callable[[Any], Any], items: Sequence[Any]) -> None:
    for item in items:
        function(item)


def report(size: Size) -> str:
    """One table for each data set."""
    return "\n\n".join(_measured(name, size) for name in names())


def _measured(name: str, size: Size) -> str:
    crystals = sample(name, size.built)
    s = crystals.structures
    neighbours, angles = "alignn, neighbours alone", "alignn, with angles (≤ 3.5 Å)"
    works: dict[str, Callable[[], Work]] = {
        neighbours: Theirs(s, angles=False),
        angles: Theirs(s, angles=True),
        "alignn, k-nearest on DGL, with all angles": TheirsOnDGL(s),
        "ours, neighbours alone": Ours(s, GraphBuilder(), angles=False),
        "ours, with all angles": Ours(s, GraphBuilder(symmetry=False)),
        "ours, up to symmetry": Ours(s, GraphBuilder()),
        "ours, alignn's neighbours alone": Ours(s, GraphBuilder(rule="published"), angles=False),
        "ours, alignn's graph": Ours(s, GraphBuilder(rule="published", symmetry=False)),
        "ours, alignn's graph up to symmetry": Ours(s, GraphBuilder(rule="published")),
    }
    one = Setting(threads=1, tuned=False)
    seconds = interleaved({who: (work, one) for who, work in works.items()}, size.rounds)
    rows = [
        [
            who,
            number(len(s) / median(own)),
            shown_ratio(seconds[neighbours], own),
            shown_ratio(seconds[angles], own),
        ]
        for who, own in seconds.items()
    ]
    header = ["", "structures/s", f"against {neighbours}", f"against {angles}"]
    return f"### {crystals.name}, {len(s)} crystals\n\n{markdown(header, rows)}"
