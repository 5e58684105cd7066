"""The last screen of a search: what came out, and what to do with it."""

import shlex
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

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
    parts: list[RenderableType] = [Text(""), _headline(table)]
    if table.best is not None:
        parts += [_values(table.best.params), Text(_where(folder, table.best))]
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


def trials_table(table: StudyTable) -> Table:
    """One line a trial: what became of it and where it is."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("trial", "state", "epochs", *table.objectives, "time"):
        shown.add_column(Text(name), justify="left" if name == "state" else "right", no_wrap=True)
    shown.add_column("folder", overflow="fold")
    for trial in table.trials:
        values = [quantity(value) for value in trial.values] or ["—"] * len(table.objectives)
        shown.add_row(
            str(trial.number),
            Text((trial.failure or trial.state).replace("_", " "), style=_style(table, trial)),
            "—" if trial.epochs is None else str(trial.epochs),
            *values,
            "—" if trial.seconds is None else duration(trial.seconds),
            Text(trial.folder or "—"),
        )
    return shown


def _headline(table: StudyTable) -> Text:
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
        text = f"{value:.6g}" if isinstance(value, float) else str(plain(value))
        shown.add_row(Text(f"  {key}", "cyan"), Text(text))
    return shown


def _front(table: StudyTable) -> Table:
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("  trial", *table.objectives, "parameters"):
        shown.add_column(Text(name), overflow="fold")
    for trial in table.front[:MOST_SOLUTIONS]:
        params = ", ".join(f"{key}={plain(value)}" for key, value in trial.params.items())
        values = [quantity(value) for value in trial.values]
        shown.add_row(f"  {trial.number}", *values, Text(params))
    return shown


def _where(folder: Path, best: TrialRow) -> str:
    return f"Its folder: {folder / (best.folder or 'best')}"


def _commands(folder: Path, again: str | None) -> Table:
    place = shlex.quote(str(folder))
    shown = Table(box=None, show_header=False, pad_edge=False)
    shown.add_row("The study", Text(str(folder), "bold"))
    shown.add_row("Curves", Text(f"tensorboard --logdir {place}", "bold"))
    shown.add_row("Report", Text(f"trialsmith report {place}", "bold"))
    if again is not None:
        shown.add_row("Go on", Text(again, "bold"))
    return shown


def _style(table: StudyTable, trial: TrialRow) -> str:
    if trial in table.front:
        return "bold green"
    return {"failed": "red", "pruned": "dim", "running": "blue"}.get(trial.state, "")
