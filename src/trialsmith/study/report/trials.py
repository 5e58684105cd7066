"""All trials as the page's table, its hints and its details read them: columns, not rows."""

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from optuna.distributions import FloatDistribution, IntDistribution

from trialsmith.study.page import short
from trialsmith.study.report.baseline import Baseline
from trialsmith.study.report.failures import first_line
from trialsmith.study.report.section import compact
from trialsmith.study.table import StudyTable, TrialRow


def trials(table: StudyTable, before: Baseline | None, present: set[str]) -> dict[str, Any]:
    """What the page's script needs of the trials, as plain values for JSON.

    A column of texts is `{"words": […], "codes": […]}`, with code −1 where a trial has none, for
    the same texts come again and again. `begun` counts seconds from `zero`.

    Args:
        present: the folders that exist; only they are linked to.
    """
    begun = [trial.start for trial in table.trials if trial.start is not None]
    zero = min(begun, default=None)
    return {
        "objectives": [*table.objectives],
        "unit": table.unit,
        "number": [trial.number for trial in table.trials],
        "state": _words(trial.failure.replace("_", " ") or trial.state for trial in table.trials),
        "kind": _words(trial.state for trial in table.trials),
        "values": [_objective(table, k) for k in range(len(table.objectives))],
        "epochs": [trial.epochs for trial in table.trials],
        "seconds": [compact(trial.seconds) for trial in table.trials],
        "zero": "" if zero is None else zero.isoformat(timespec="seconds"),
        "begun": [_since(zero, trial.start) for trial in table.trials],
        "params": [_parameter(key, table.trials) for key in table.keys],
        "message": _words(first_line(t.message)[:300] if t.message else None for t in table.trials),
        "folder": _words(trial.folder for trial in table.trials),
        "link": [_link(trial, present) for trial in table.trials],
        "best": None if table.best is None else table.best.number,
        "front": [trial.number for trial in table.front] if len(table.objectives) > 1 else [],
        "baseline": None if before is None else before.trial.number,
    }


def href(folder: str) -> str:
    """A link to a folder, relative to the study's; never taken for an address of another kind."""
    return f"./{quote(folder)}/" if not os.path.isabs(folder) else f"file://{quote(folder)}/"


def _link(trial: TrialRow, present: set[str]) -> int:
    return 1 if trial.folder in present else 0


def _objective(table: StudyTable, k: int) -> list[Any]:
    """Values; infinities and NaN as text."""
    found = [trial.values[k] if len(trial.values) > k else None for trial in table.trials]
    return [v if v is None or compact(v) is not None else str(v) for v in map(_short, found)]


def _short(value: float | None) -> float | None:
    """Six significant digits tell trials apart, and are a third of sixteen."""
    return None if value is None else float(f"{value:.6g}")


def _since(zero: datetime | None, start: datetime | None) -> float | None:
    return None if zero is None or start is None else round((start - zero).total_seconds(), 1)


def _parameter(key: str, trials: Sequence[TrialRow]) -> dict[str, Any]:
    """A column of numbers where all are, null where a trial has none; else of words."""
    spaces = [trial.sampled[key][1] for trial in trials if key in trial.sampled]
    numeric = [s for s in spaces if isinstance(s, FloatDistribution | IntDistribution)]
    if spaces and len(numeric) == len(spaces):
        numbers = [_short(float(t.params[key])) if key in t.params else None for t in trials]
        whole = [int(n) if n is not None and n.is_integer() else n for n in numbers]
        return {"key": key, "values": whole}
    texts = (short(trial.params[key], 80) if key in trial.params else None for trial in trials)
    return {"key": key, **_words(texts)}


def _words(texts: Iterable[str | None]) -> dict[str, Any]:
    code: dict[str, int] = {}
    codes = [-1 if text is None else code.setdefault(text, len(code)) for text in texts]
    return {"words": list(code), "codes": codes}
