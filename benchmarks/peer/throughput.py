"""Training structures/s: forward, backward and AdamW on batches that are ready."""

import os
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from benchmarks.peer.lane import Setting, Work, interleaved
from benchmarks.peer.published import ANGLE_CUTOFF
from benchmarks.peer.sample import names, sample
from benchmarks.peer.size import Size
from benchmarks.peer.table import markdown, number, ratio, shown_ratio
from benchmarks.peer.training import Batches, Ours, Theirs

Seconds = dict[tuple[str, Setting], list[float]]

SHIPPED = "alignn, its own graph"
SAME_GRAPH = "alignn, our full graph"


def contenders(batches: Batches) -> dict[str, Callable[[], Work]]:
    """Who is measured, under the name that the table shows."""
    return {
        SHIPPED: Theirs(batches, own_graphs=True),
        SAME_GRAPH: Theirs(batches, own_graphs=False),
        "full graph, fp32": Ours(batches, symmetry=False),
        "full graph, bf16": Ours(batches, symmetry=False, bf16=True),
        "up to symmetry, fp32": Ours(batches, symmetry=True),
        "up to symmetry, fp32, high": Ours(batches, symmetry=True, precision="high"),
        "up to symmetry, bf16": Ours(batches, symmetry=True, bf16=True),
        "up to symmetry, fp32, batch norm": Ours(batches, symmetry=True, norm="batch"),
        f"up to symmetry, angles ≤ {ANGLE_CUTOFF} Å, fp32": Ours(
            batches, symmetry=True, angle_cutoff=ANGLE_CUTOFF
        ),
        f"up to symmetry, angles ≤ {ANGLE_CUTOFF} Å, fp32, high": Ours(
            batches, symmetry=True, precision="high", angle_cutoff=ANGLE_CUTOFF
        ),
        f"up to symmetry, angles ≤ {ANGLE_CUTOFF} Å, bf16": Ours(
            batches, symmetry=True, bf16=True, angle_cutoff=ANGLE_CUTOFF
        ),
        "alignn's edges up to symmetry, fp32": Ours(batches, symmetry=True, rule="published"),
    }


def report(size: Size) -> str:
    """One table for each data set."""
    return "\n\n".join(_measured(name, size) for name in names())


def _measured(name: str, size: Size) -> str:
    crystals = sample(name, size.batch * size.batches)
    batches = crystals.batches(size.batch)
    works = {
        who: work
        for who, work in contenders(batches).items()
        if who == SHIPPED or size.contenders in who
    }
    threads = [n for n in size.threads if n <= len(os.sched_getaffinity(0))]
    seconds: Seconds = {}
    shipped: dict[int, list[float]] = {}
    for n in threads:
        default, tuned = (Setting(n, tuned) for tuned in (False, True))
        seconds |= _turns(size, {(who, default): work for who, work in works.items()})
        # by itself: who is tuned keeps its memory, and there is no room for all
        as_they_come = {(who, tuned): work for who, work in works.items()}
        found = _turns(size, as_they_come | {(SHIPPED, default): works[SHIPPED]})
        shipped[n] = found.pop((SHIPPED, default))
        seconds |= found
    tables = _table(seconds, size.batch), _as_they_come(seconds, shipped)
    return "\n\n".join([f"### {crystals.name}", _sizes(batches), *tables])


def _turns(size: Size, works: Mapping[tuple[str, Setting], Callable[[], Work]]) -> Seconds:
    lanes = {(who, setting): (work, setting) for (who, setting), work in works.items()}
    return interleaved(lanes, size.rounds, lambda round_: (round_,))


def _table(seconds: Seconds, batch: int) -> str:
    settings = list(dict.fromkeys(setting for _, setting in seconds))
    whos = list(dict.fromkeys(who for who, _ in seconds))
    others = [who for who in (SHIPPED, SAME_GRAPH) if who in whos]

    def cell(who: str, setting: Setting) -> str:
        own = seconds[who, setting]
        ratios = [number(ratio(seconds[other, setting], own)) for other in others]
        return f"{number(batch / median(own))} /s · {' · '.join(f'{r} ×' for r in ratios)}"

    rows = [[who, *(cell(who, setting) for setting in settings)] for who in whos]
    return markdown(["", *map(str, settings)], rows)


def _as_they_come(seconds: Seconds, shipped: Mapping[int, list[float]]) -> str:
    """Ours sets the allocator by itself, theirs leaves glibc's default.

    Args:
        shipped: alignn's, for each number of threads, in the rounds of those that are tuned.
    """
    rows = [
        [
            who,
            *(
                shown_ratio(theirs, seconds[who, Setting(n, tuned=True)])
                for n, theirs in shipped.items()
            ),
        ]
        for who in dict.fromkeys(who for who, _ in seconds)
        if who not in (SHIPPED, SAME_GRAPH)
    ]
    header = ["as they come: tuned by the program, against alignn on its own graph, default"]
    return markdown([*header, *(str(Setting(n, tuned=True)) for n in shipped)], rows)


def _sizes(batches: Batches) -> str:
    """Mean atoms, bonds and angles of a crystal in each kind of graph."""
    crystals = sum(len(batch) for batch in batches)

    def shown(kind: str, members: list[tuple[int, int, int]]) -> str:
        atoms, bonds, angles = (sum(column) / crystals for column in zip(*members, strict=True))
        return f"{kind} {atoms:.1f} / {bonds:.0f} / {angles:.0f}"

    own = [_own_members(*pair) for pair in Theirs(batches, own_graphs=True).graphs()]
    kinds = [shown("alignn's own", own)]
    ours = {
        "our full": Ours(batches, symmetry=False),
        "ours up to symmetry": Ours(batches, symmetry=True),
        f"with angles ≤ {ANGLE_CUTOFF} Å": Ours(batches, symmetry=True, angle_cutoff=ANGLE_CUTOFF),
    }
    for kind, side in ours.items():
        graphs = side.graphs()
        kinds.append(shown(kind, [(len(g.species), len(g.bonds), len(g.angles)) for g in graphs]))
    return f"Atoms / bonds / angles of a crystal in its graph: {'; '.join(kinds)}."


def _own_members(crystal: Any, line: Any) -> tuple[int, int, int]:
    return crystal.num_nodes, crystal.num_edges, line.num_edges
