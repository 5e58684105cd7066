"""Opening a data set and reading batches from it: the first time, and again."""

import json
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peer import published
from benchmarks.peer.lane import Lane, Setting, Work
from benchmarks.peer.sample import ALLOYS, FILES, Sample, file_of, names, sample
from benchmarks.peer.size import Size
from benchmarks.peer.table import markdown, number
from trialsmith.data import CrystalData, alloys, crystals
from trialsmith.graph import GraphBuilder
from trialsmith.text import NoTokens

BATCH = 64
PARTS = (0.8, 0.1, 0.1)


class Opened:
    """A data set that is opened once, and whose training batches are then read again and again."""

    def __init__(self, open_: Callable[[], Any]) -> None:
        self._open = open_
        self._loader: Any = None

    def __call__(self, what: str) -> int:
        """Opens it and reads the first batch, or reads all batches; how many were read."""
        if what == "open":
            self._loader = self._open()
            next(iter(self._loader))
            return 1
        return sum(1 for _ in self._loader)


@dataclass(frozen=True)
class Theirs:
    """Its own function for a folder, up to where it would train; read from its JSON, its quickest.

    The second time it reads the graphs that it kept, `read_existing`, and all else again.
    """

    folder: Path
    split: tuple[int, int, int]
    again: bool

    def __call__(self) -> Work:
        sys.modules["dgl"] = None  # type: ignore[assignment]
        from alignn import train_alignn

        os.chdir(self.folder)  # where it keeps its graphs

        def open_() -> Any:
            config = published.training_config(
                self.split, BATCH, 1, self.folder / "out", self.again
            )
            (self.folder / "config.json").write_text(json.dumps(config))
            loaders: list[Any] = []

            def instead_of_training(config: Any, train_val_test_loaders: Any, **_: Any) -> None:
                loaders.extend(train_val_test_loaders)

            train_alignn.train_dgl = instead_of_training
            with (
                open(os.devnull, "w") as nowhere,
                redirect_stdout(nowhere),
                redirect_stderr(nowhere),
            ):
                train_alignn.train_for_folder(
                    root_dir=str(self.folder),
                    config_name=str(self.folder / "config.json"),
                    target_key="target",
                    output_dir=str(self.folder / "out"),
                )
            return loaders[0]

        return Opened(open_)


@dataclass(frozen=True)
class Ours:
    """What `data=crystals` builds, without text."""

    n: int
    name: str
    cache: Path

    def __call__(self) -> Work:
        return Opened(self._open)

    def _open(self) -> Any:
        data = self._data()
        data.prepare_data()
        data.setup("fit")
        return data.train_dataloader()

    def _data(self) -> CrystalData:
        options: dict[str, Any] = {
            "tokens": NoTokens(),
            "graph": GraphBuilder(),
            "fractions": PARTS,
            "batch_size": BATCH,
            "cache_dir": self.cache,
        }
        if self.name == ALLOYS:
            return alloys(n=self.n, **options)
        return crystals(file_of(self.name), FILES[self.name][1], limit=self.n, **options)


def report(size: Size) -> str:
    """One table."""
    name = ALLOYS if names() == [ALLOYS] else "mp20 in full"
    taken = sample(name, size.loaded)
    n = len(taken.structures)
    split = (int(PARTS[0] * n), int(PARTS[1] * n), n - int(PARTS[0] * n) - int(PARTS[1] * n))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _write_json(taken, folder / "id_prop.json")
        rows = [
            _row("alignn", [Theirs(folder, split, again) for again in (False, True)]),
            _row("ours", [Ours(n, name, folder / "cache")] * 2),
        ]
    header = ["", "ready, first run", "ready, second run", f"a batch of {BATCH}"]
    return f"### {name}, {n} crystals\n\n{markdown(header, rows)}"


def _row(who: str, sides: list[Any]) -> list[str]:
    """Each in a process of its own, with all CPUs, timed from after its imports."""
    setting = Setting(len(os.sched_getaffinity(0)), tuned=False)
    ready = []
    for side in sides:
        with Lane(side, setting) as lane:
            ready.append(lane.turn("open", untimed=0)[0])
            seconds, batches = lane.turn("read")
    return [who, *(f"{number(s)} s" for s in ready), f"{number(1e3 * seconds / batches)} ms"]


def _write_json(taken: Sample, path: Path) -> None:
    rows = [
        {"jid": str(i), "atoms": published.atoms_of(structure).to_dict(), "target": target}
        for i, (structure, target) in enumerate(zip(taken.structures, taken.targets, strict=True))
    ]
    path.write_text(json.dumps(rows))
