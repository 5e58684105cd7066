"""Studies at the edges of what a report meets, and the page taken apart again."""

import json
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial
from study_examples import NASTY

from trialsmith.study.table import StudyTable, read

BEGIN = datetime(2026, 1, 2, 3, 4, 5)
FOLDER = "2026-01-02/03-04-05"


def study_of(
    trials: Sequence[FrozenTrial], directions: Sequence[str] = ("minimize",)
) -> StudyTable:
    """The table of a study in memory."""
    study = optuna.create_study(directions=list(directions), study_name=NASTY)
    study.set_user_attr("metric", ["val/mae", "seconds"][: len(directions)])
    study.set_user_attr("unit", "eV")
    study.add_trials(trials)
    return read(study)


def trial(
    k: int,
    value: float | Sequence[float] | None = None,
    state: TrialState = TrialState.COMPLETE,
    *,
    begin: float | None = None,
    seconds: float = 10.0,
    epochs: int = 0,
    **attributes: Any,
) -> FrozenTrial:
    """The k-th trial: ten seconds after the one before, of one slot, unless said otherwise."""
    values = None if value is None else [value] if isinstance(value, float) else list(value)
    start = BEGIN + timedelta(seconds=10.0 * k if begin is None else begin)
    finished = state.is_finished()
    made = create_trial(
        state=state,
        values=values if state == TrialState.COMPLETE else None,
        params={"lr": 10.0 ** (-1 - k % 4), "part": "ab"[k % 2]},
        distributions={
            "lr": FloatDistribution(1e-5, 1.0, log=True),
            "part": CategoricalDistribution(["a", "b"]),
        },
        intermediate_values={e: (values or [1.0])[0] + 1 / (1 + e) for e in range(epochs)},
        user_attrs={"folder": f"{FOLDER}/{k}", **attributes},
    )
    made.datetime_start = start
    made.datetime_complete = start + timedelta(seconds=seconds) if finished else None
    return made


def failed(k: int, kind: str, message: str) -> FrozenTrial:
    """A trial that failed so."""
    return trial(k, state=TrialState.FAIL, failure=kind, message=message)


EDGES: dict[str, StudyTable] = {
    "no trial": study_of([]),
    "one": study_of([trial(0, 0.5)]),
    "one that runs": study_of([trial(0, state=TrialState.RUNNING, epochs=2)]),
    "all failed": study_of([failed(k, "error", "ValueError: x\n  at y") for k in range(3)]),
    "not finite": study_of([trial(0, math.inf), trial(1, -math.inf), trial(2, 0.5), trial(3, 1.0)]),
    "equal": study_of([trial(k, 0.5) for k in range(8)]),
    "maximize": study_of([trial(k, k / 10) for k in range(8)], ["maximize"]),
    "front": study_of(
        [trial(k, (k / 10, 1 - k / 10 + k % 2)) for k in range(8)], ["minimize", "minimize"]
    ),
    "no front": study_of([failed(0, "diverged", "nan")], ["minimize", "maximize"]),
    "three objectives": study_of(
        [trial(k, (1.0 * k, -1.0 * k, 0.0)) for k in range(3)], ["minimize", "minimize", "maximize"]
    ),
    "text in all places": study_of(
        [trial(0, 0.5, host=NASTY, git_commit=NASTY, enqueued={"lr": 1}), failed(1, NASTY, NASTY)]
    ),
}


class Page(HTMLParser):
    """A page by its parts: what it loads or links to, its elements, its data and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.elements: list[str] = []
        self.data: dict[str, Any] = {}
        self.text = ""
        self._inside: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements.append(tag)
        self.links += [str(found[name]) for name in ("href", "src", "action") if name in found]
        if tag in ("script", "style"):
            self._inside.append((tag, found.get("id") or ""))

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1][0] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.text += data
        elif self._inside[-1][1]:
            self.data[self._inside[-1][1]] = json.loads(data)


def folders(place: Path, table: StudyTable) -> None:
    """The folders of all trials, empty."""
    for row in table.trials:
        (place / str(row.folder)).mkdir(parents=True)
