"""Peak memory of some training steps, each in a process of its own."""

import gc
from dataclasses import dataclass, replace

from benchmarks.peer.lane import Lane, Setting, Work, status
from benchmarks.peer.published import ANGLE_CUTOFF
from benchmarks.peer.sample import names, sample
from benchmarks.peer.size import Size
from benchmarks.peer.table import markdown, number
from benchmarks.peer.training import Ours, Theirs


@dataclass(frozen=True)
class Peak:
    """Trains a few steps and reads the process's peak."""

    side: Theirs | Ours
    steps: int

    def __call__(self) -> Work:
        self.side.load()
        gc.collect()
        baseline = status("VmRSS")

        def train() -> tuple[float, float]:
            """Peak above what the process holds after its imports, and peak in all, in GB."""
            training = self.side()
            for step in range(self.steps):
                training(step)
            peak = status("VmHWM")
            return peak - baseline, peak

        return train


def report(size: Size) -> str:
    """One table for each data set."""
    return "\n\n".join(_measured(name, size) for name in names())


def _measured(name: str, size: Size) -> str:
    crystals = sample(name, size.batch * size.batches)
    batches = crystals.batches(size.batch)
    limited = Ours(batches, symmetry=True, angle_cutoff=ANGLE_CUTOFF)
    sides: dict[str, Theirs | Ours] = {
        "alignn, its own graph": Theirs(batches, own_graphs=True),
        "alignn, our full graph": Theirs(batches, own_graphs=False),
        "ours, full graph, fp32": Ours(batches, symmetry=False),
        "ours, up to symmetry, fp32": Ours(batches, symmetry=True),
        "ours, up to symmetry, bf16": Ours(batches, symmetry=True, bf16=True),
        f"ours, up to symmetry, angles ≤ {ANGLE_CUTOFF} Å, fp32": limited,
        f"ours, up to symmetry, angles ≤ {ANGLE_CUTOFF} Å, fp32, high": replace(
            limited, precision="high"
        ),
    }
    settings = [Setting(1, tuned=False), Setting(1, tuned=True)]
    peaks: dict[tuple[str, Setting], tuple[float, float]] = {}
    for who, side in sides.items():
        for setting in settings:
            with Lane(Peak(side, size.memory_steps), setting) as lane:
                _, peaks[who, setting] = lane.turn(untimed=0)
    first, second = list(sides)[:2]

    def cell(who: str, setting: Setting) -> str:
        above, in_all = peaks[who, setting]
        shares = " · ".join(number(above / peaks[r, setting][0], 2) for r in (first, second))
        return f"{number(above)} ({number(in_all)}) GB · {shares}"

    rows = [[who, *(cell(who, setting) for setting in settings)] for who in sides]
    return f"### {crystals.name}\n\n{markdown(['', *map(str, settings)], rows)}"
