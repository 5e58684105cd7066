"""The last screen of a search: what came out, and what to do with it."""

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from trialsmith.search import ownership
from trialsmith.study.formats import plain
from trialsmith.study.table import StudyTable, TrialRow
from trialsmith.study.words import duration, quantity

MOST_SOLUTIONS = 10  # of a front on the screen; the files have all


def last_screen(table: StudyTable, folder: Path, again: str | None = None) -> Group:
    """What `rich` prints at the end of a search and for `trialsmith report`.

    Args:
        table: the study.
        folder: its folder.
        again: the command that continues the search, None if it is not known.
    """
    parts: list[RenderableType] = [Text(""), headline(table)]
    if table.best is not None:
        parts += [_values(table.best.params), _where(folder, table.best)]
    elif table.front:
        parts.append(_front(table))
    parts += [Text(counts(table)), _commands(folder, again)]
    return Group(*parts)


def counts(table: StudyTable) -> str:
    """Trials by state, failures by kind: "12 complete, 5 pruned, 2 failed (1 diverged, …)"."""
    shown = ("complete", "pruned", "failed")
    words = [
        f"{number} {state}" for state, number in table.counts.items() if number or state in shown
    ]
    kinds = ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in table.failures.items())
    text = ", ".join(words)
    return f"Trials: {text} ({kinds})" if kinds else f"Trials: {text}"


def abandoned(table: StudyTable) -> str:
    """Which trials run by name alone, for their sweeper on this host is gone; "" if none do."""
    left: dict[str, list[str]] = {}
    for trial in table.trials:
        owner = trial.attributes.get("owner")
        # without an owner it may be just being taken
        if trial.state == "running" and owner and ownership.is_dead(owner):
            place = ":".join(str(owner).rsplit(":", 2)[:2])
            left.setdefault(place, []).append(str(trial.number))
    return "\n".join(
        f"Trial{'s' if len(numbers) > 1 else ''} {', '.join(numbers)} of {place} no longer run: "
        "that sweeper is gone. The same search again queues them"
        for place, numbers in left.items()
    )


def trials_table(table: StudyTable, trials: Sequence[TrialRow] | None = None) -> Table:
    """One line a trial, of `trials` or of all: what became of it and where it is."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("trial", "state", "epochs", *table.objectives, "time"):
        shown.add_column(Text(name), justify="left" if name == "state" else "right", no_wrap=True)
    shown.add_column("folder", overflow="fold")
    for trial in table.trials if trials is None else trials:
        # the unit is the first objective's
        values = [quantity(v, "" if k else table.unit) for k, v in enumerate(trial.values)]
        values = values or ["—"] * len(table.objectives)
        shown.add_row(
            str(trial.number),
            Text((trial.failure or trial.state).replace("_", " "), style=_style(table, trial)),
            "—" if trial.epochs is None else str(trial.epochs),
            *values,
            "—" if trial.seconds is None else duration(trial.seconds),
            Text(trial.folder or "—"),
        )
    return shown


def headline(table: StudyTable) -> Text:
    """The best value, or how many solutions there are, on a line."""
    best = table.best
    if best is not None:
        value = quantity(best.values[0], table.unit)
        return Text(f"Best {table.objectives[0]}: {value} (trial {best.number})", "bold green")
    if table.front:
        return Text(f"{len(table.front)} solutions that no other trial beats in all", "bold green")
    return Text("No trial is complete yet" if table.trials else "No trials yet", "bold yellow")


def _values(params: dict[str, Any]) -> Table:
    shown = Table(box=None, show_header=False, pad_edge=False)
    for key, value in params.items():
        text = f"{value:.6g}" if isinstance(value, float) else _word(value)
        shown.add_row(Text(f"  {key}", "cyan"), Text(text))
    return shown


def _word(value: Any) -> str:
    """A value as the command line takes it: false, null, [1, 3]."""
    return value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)


def _front(table: StudyTable) -> Table:
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("  trial", *table.objectives, "parameters"):
        shown.add_column(Text(name), overflow="fold")
    for trial in table.front[:MOST_SOLUTIONS]:
        params = ", ".join(f"{key}={_word(value)}" for key, value in trial.params.items())
        values = [quantity(v, "" if k else table.unit) for k, v in enumerate(trial.values)]
        shown.add_row(f"  {trial.number}", *values, Text(params))
    return shown


def _where(folder: Path, best: TrialRow) -> Text:
    place = folder / (best.folder or "best")
    return Text(f"Its folder: {place}", no_wrap=True, overflow="ignore")


def _commands(folder: Path, again: str | None) -> Group:
    """Commands to paste: on one line each, however narrow the screen."""
    place = shlex.quote(str(folder))
    commands = {
        "The study": str(folder),
        "Curves": f"tensorboard --logdir {place}",
        "Report": f"trialsmith report {place}",
        "Go on": again,
    }
    return Group(
        *(
            Text.assemble(f"{name:11}", (command, "bold"), no_wrap=True, overflow="ignore")
            for name, command in commands.items()
            if command is not None
        )
    )


def _style(table: StudyTable, trial: TrialRow) -> str:
    if trial in table.front:
        return "bold green"
    return {"failed": "red", "pruned": "dim", "running": "blue"}.get(trial.state, "")
