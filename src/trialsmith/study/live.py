"""The trials of a study on a terminal, drawn again and again while somebody searches."""

import time
from collections.abc import Callable
from datetime import datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from trialsmith.search import ownership
from trialsmith.study.summary import counts, headline, trials_table
from trialsmith.study.table import StudyTable, TrialRow
from trialsmith.study.words import duration, quantity

PERIOD = 1.0  # seconds from one look at the storage to the next, at least
SHARE = 0.2  # of the time may go into looking: a study of thousands is looked at less often
AROUND = 6  # lines beside those of the trials: the heads, the counts, an empty one
FEWEST = 3  # trials that are shown however low the terminal is


def is_searched(table: StudyTable) -> bool:
    """Whether somebody is at work on the study, as far as this machine can tell.

    A search is alive from its first trial to its last: between two trials none may be running.
    Of another host only the trials that run tell of it.
    """
    owners = {str(trial.attributes.get("owner")) for trial in table.trials}
    here = {owner for owner in owners if ownership.host(owner) == ownership.host(ownership.me())}
    return any(not ownership.is_dead(owner) for owner in here) or any(map(is_at_work, table.trials))


def is_at_work(trial: TrialRow) -> bool:
    """Whether a trial is run by a process that is not known to have ended."""
    return trial.state == "running" and not ownership.is_dead(trial.attributes.get("owner"))


def screen(table: StudyTable, lines: int, now: datetime) -> RenderableType:
    """What fits on `lines` of a terminal: the last trials, those that run, the best, the counts."""
    running = [trial for trial in table.trials if is_at_work(trial)]
    room = max(FEWEST, lines - AROUND - len(running))
    shown = list(table.trials[-room:])
    if table.best is not None and table.best not in shown:
        shown = [table.best, *shown[1:]]
    left_out = len(table.trials) - len(shown)
    parts: list[RenderableType] = [trials_table(table, shown)]
    if left_out > 0:
        parts.append(Text(f"… and {left_out} more", "dim"))
    parts += [_running(table, trial, now) for trial in running]
    return Group(*parts, Text(""), headline(table), Text(counts(table)))


def watch(look: Callable[[], StudyTable], console: Console) -> StudyTable:
    """Show what `look` reads until nobody searches any more; returns what was read last.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    table = look()
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            began = time.monotonic()
            # asked before the look: what a search did last is seen, not missed
            goes_on = is_searched(table)
            table = look()
            live.update(screen(table, console.height, datetime.now()), refresh=True)
            if not goes_on:
                return table
            spent = time.monotonic() - began
            time.sleep(max(PERIOD, spent * (1 / SHARE - 1)))


def _running(table: StudyTable, trial: TrialRow, now: datetime) -> Text:
    since = 0.0 if trial.start is None else max(0.0, (now - trial.start).total_seconds())
    text = f"trial {trial.number} runs for {duration(since)}"
    if trial.reports:
        last = trial.reports[max(trial.reports)]
        text += f", epoch {trial.epochs}: {quantity(last, table.unit)}"
    return Text(text, "blue")
