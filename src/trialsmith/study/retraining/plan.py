"""What a retraining was asked to do, and the folder in which it does it or goes on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from trialsmith.errors import SearchError
from trialsmith.study.formats import to_json
from trialsmith.study.retraining import PLAN, RESULTS
from trialsmith.study.retraining.candidate import Candidate
from trialsmith.study.writing import replace_text


@dataclass(frozen=True)
class Run:
    """One training: a candidate with a seed.

    Attributes:
        name: its folder within the retraining's.
        seed: None: the candidate's own.
    """

    name: str
    candidate: Candidate
    seed: int | None


@dataclass(frozen=True)
class Plan:
    """All trainings that were asked for.

    Attributes:
        source: the study, or the file of the configuration.
        seeds: empty: each candidate's own.
        overrides: of the command line, less the seeds.
    """

    source: str
    candidates: Sequence[Candidate]
    seeds: Sequence[int]
    overrides: Sequence[str]

    @property
    def runs(self) -> list[Run]:
        """In the order in which they are made; the folders of a single candidate are its seeds."""
        single = len(self.candidates) == 1
        seeds: Sequence[int | None] = self.seeds or [None]
        return [
            Run("/".join([*([] if single else [c.name]), _of_seed(seed)]), c, seed)
            for c in self.candidates
            for seed in seeds
        ]

    def record(self) -> dict[str, Any]:
        """As plain values; equal for equal plans."""
        candidates = [
            {"name": c.name, "config": c.config, "params": dict(c.params)} for c in self.candidates
        ]
        record = {
            "source": self.source,
            "candidates": candidates,
            "seeds": list(self.seeds),
            "overrides": list(self.overrides),
        }
        read_back: dict[str, Any] = json.loads(to_json(record))
        return read_back


def _of_seed(seed: int | None) -> str:
    return "run" if seed is None else f"seed-{seed}"


class Place:
    """The folder of a retraining.

    Attributes:
        goes_on: it has been begun before and was interrupted.
    """

    def __init__(self, folder: Path, goes_on: bool) -> None:
        self.folder, self.goes_on = folder, goes_on

    @property
    def done(self) -> list[str]:
        """Names of the runs that came to their end."""
        return list(_read(self.folder)["done"])

    def begin(self, plan: Plan) -> None:
        """Make the folder and note the plan; nothing where it is noted already."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.goes_on:
            replace_text(self.folder / PLAN, to_json({"plan": plan.record(), "done": []}))

    def note_done(self, name: str) -> None:
        """The run `name` came to its end."""
        content = _read(self.folder)
        replace_text(self.folder / PLAN, to_json({**content, "done": [*content["done"], name]}))

    def clear(self, run: Run) -> Path:
        """The folder of a run, empty; what an interrupted one left is put aside."""
        folder = self.folder / run.name
        if folder.exists():
            count = len(list(folder.parent.glob(f"{folder.name}.interrupted-*")))
            folder.rename(folder.with_name(f"{folder.name}.interrupted-{count + 1}"))
        return folder


def find_place(plan: Plan, output: Path | None, root: Path, anew: bool) -> Place:
    """Where to work: the newest folder in which the same was interrupted, else a new one.

    Args:
        output: the folder that the user named.
        root: under which dated folders stand.
        anew: leave an unfinished one alone.

    Raises:
        SearchError: `output` holds something else, or is finished.
    """
    if output is not None:
        return _named(plan, output)
    unfinished = [] if anew else sorted(root.glob(f"*/*/{PLAN}"), reverse=True)
    for path in unfinished:
        if not (path.parent / RESULTS).exists() and _read(path.parent).get("plan") == plan.record():
            return Place(path.parent, goes_on=True)
    folder = root / datetime.now().strftime("%Y-%m-%d/%H-%M-%S")
    count = 0
    while folder.exists():
        count += 1
        folder = folder.with_name(f"{folder.name.partition('_')[0]}_{count}")
    return Place(folder, goes_on=False)


def _named(plan: Plan, output: Path) -> Place:
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return Place(output, goes_on=False)
    if (output / RESULTS).exists():
        raise SearchError(f"{output} holds a finished retraining: name another --output")
    if (output / PLAN).is_file() and _read(output).get("plan") == plan.record():
        return Place(output, goes_on=True)
    raise SearchError(f"{output} is not empty, and not of this command: name another --output")


def _read(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
