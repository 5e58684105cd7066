"""Whole epochs by each one's own command, on the same structure files and the same split."""

import csv
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from statistics import median

import ase
import ase.io

from benchmarks.peer import published
from benchmarks.peer.lane import Setting
from benchmarks.peer.sample import Sample, names, sample
from benchmarks.peer.size import Size
from benchmarks.peer.table import markdown, number, shown_ratio
from benchmarks.training import ROOT, command

PRODUCTS = {
    "fp32": ["matmul_precision=highest"],
    "fp32, high": ["matmul_precision=high"],
    "bf16": ["trainer.precision=bf16-mixed"],
}
GRAPHS = {
    "all angles": [],
    f"angles ≤ {published.ANGLE_CUTOFF} Å": [f"data.graph.angle_cutoff={published.ANGLE_CUTOFF}"],
}


@dataclass
class Runs:
    """What several runs of one command took, in seconds."""

    epochs: list[float] = field(default_factory=list)  # the median of each run, without its first
    whole: list[float] = field(default_factory=list)


def report(size: Size) -> str:
    """One table for each data set."""
    return "\n\n".join(_measured(name, size) for name in names())


def _measured(name: str, size: Size) -> str:
    crystals = sample(name, size.train + size.validation + 1)
    n = min(max(size.threads), len(os.sched_getaffinity(0)))
    settings = [Setting(n, tuned=False), Setting(n, tuned=True)]
    theirs = {setting: Runs() for setting in settings}
    ours = {
        f"{graph}, {products}": (
            [*GRAPHS[graph], *PRODUCTS[products]],
            Runs(),
        )
        for graph, products in product(GRAPHS, PRODUCTS)
    }
    for _ in range(size.commands):
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "data"
            _write(crystals, size, data)
            for setting, runs in theirs.items():
                _run_theirs(data, size, setting, runs)
            for overrides, runs in ours.values():
                _run_ours(data, size, n, overrides, runs)
    shipped, tuned = theirs.values()

    def row(who: str, runs: Runs) -> list[str]:
        return [
            who,
            f"{number(median(runs.epochs))} s",
            shown_ratio(shipped.epochs, runs.epochs),
            shown_ratio(tuned.epochs, runs.epochs),
            f"{number(median(runs.whole))} s",
            shown_ratio(shipped.whole, runs.whole),
        ]

    header = ["", "an epoch", "against alignn", "against alignn, tuned"]
    header += [f"the command, {size.epochs} epochs", "against alignn"]
    rows = [
        *(row(f"alignn, {setting}", runs) for setting, runs in theirs.items()),
        *(row(f"ours, {how}", runs) for how, (_, runs) in ours.items()),
    ]
    counts = f"{size.train} + {size.validation} crystals, {n} threads"
    return f"### {crystals.name}, {counts}\n\n{markdown(header, rows)}"


def _write(crystals: Sample, size: Size, folder: Path) -> None:
    """Structure files, `id_prop.csv` for them, and a table with the split for us."""
    folder.mkdir()
    parts = ["train"] * size.train + ["val"] * size.validation
    parts += ["test"] * (len(crystals.structures) - len(parts))
    rows = []
    for i, (structure, target, part) in enumerate(
        zip(crystals.structures, crystals.targets, parts, strict=True)
    ):
        atoms = ase.Atoms(structure.numbers, structure.positions, cell=structure.cell, pbc=True)
        ase.io.write(folder / f"{i:05}.vasp", atoms, format="vasp", sort=True, direct=True)
        rows.append((f"{i:05}.vasp", target, part))
    # its split takes the first as train and the last as test
    _table(folder / "id_prop.csv", [(name, target) for name, target, _ in rows])
    _table(
        folder / "table.csv",
        [("id", "structure", "target", "split"), *((n, n, t, p) for n, t, p in rows)],
    )


def _table(path: Path, rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def _run_theirs(data: Path, size: Size, setting: Setting, runs: Runs) -> None:
    """Its epochs are what it prints: training and validation, without testing and saving."""
    folder = data.parent / "theirs"
    folder.mkdir()
    split = (size.train, size.validation, 1)
    config = published.training_config(split, size.batch, size.epochs, folder / "out")
    (folder / "config.json").write_text(json.dumps(config))
    arguments = ["--root_dir", str(data), "--config_name", str(folder / "config.json")]
    arguments += ["--output_dir", str(folder / "out"), "--file_format", "poscar"]
    printed = _timed([*published.COMMAND, *arguments], folder, setting.environment, runs)
    # the row under each "Train Loss:" and "Val Loss:": epoch, six losses, seconds
    rows = re.findall(r"Loss: .*\n\s+(\d+)((?:\s+\S+){6})\s+(\d+\.\d+)", printed)
    seconds = [0.0] * size.epochs
    for epoch, _, taken in rows:
        seconds[int(epoch)] += float(taken)
    runs.epochs.append(median(seconds[1:]))
    shutil.rmtree(folder)


def _run_ours(data: Path, size: Size, threads: int, how: Sequence[str], runs: Runs) -> None:
    """Our epochs are those of `history.csv`: training and validation. Nothing is cached before."""
    folder = data.parent / "ours"
    overrides = [
        *("data=crystals", f"data.path={data / 'table.csv'}", "data.target=target"),
        *(f"data.cache_dir={folder / 'cache'}", "text=none", "fusion=none", "model.norm=layer"),
        *(f"trainer.max_epochs={size.epochs}", f"data.batch_size={size.batch}"),
        *(f"threads={threads}", *how),
    ]
    environment = Setting(threads, tuned=False).environment
    _timed(command(folder / "run", overrides), ROOT, environment, runs)
    with (folder / "run" / "history.csv").open() as file:
        seconds = [float(row["seconds"]) for row in csv.DictReader(file)]
    runs.epochs.append(median(seconds[1:]))
    shutil.rmtree(folder)


def _timed(line: Sequence[str], cwd: Path, environment: Mapping[str, str], runs: Runs) -> str:
    """Runs a command; what it printed."""
    began = time.perf_counter()
    done = subprocess.run(line, cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(line)} failed:\n{done.stderr[-2000:]}")
    runs.whole.append(time.perf_counter() - began)
    return done.stdout
