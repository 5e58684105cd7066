"""What a search shows while it runs: a live bar on a terminal, one line a trial elsewhere.

The sweep hands over plain facts (`SearchState`) and knows nothing of bars; this module knows
nothing of Optuna. Lines go through `logging`, so that the log file has them in both cases.
"""

import logging
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from trialsmith.study.words import duration, quantity

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunningTrial:
    """A trial that is being trained: seconds since it began, last report (epochs from 1)."""

    number: int
    seconds: float
    epoch: int | None = None
    value: float | None = None


@dataclass(frozen=True)
class EndedTrial:
    """A trial that has just ended.

    `state` is "complete", "pruned" or the kind of failure ("diverged", "out_of_memory", …);
    `value` is None for a failed one and the first objective where there are several; `epoch` is
    the last one reported, counted from 1; `message` says why it failed.
    """

    number: int
    state: str
    value: float | None = None
    epoch: int | None = None
    message: str = ""


@dataclass(frozen=True)
class SearchState:
    """A search at one moment, as the sweep counts it.

    `total` is the study's n_trials (None without a limit); `complete` and `pruned` count over all
    invocations and processes that share the study; `earlier` of them were there when this
    invocation began, `seconds` ago. `seconds_left` is what a timeout leaves, None without one.
    `unit` is the monitored value's. `ended` is the trial whose end caused this update, None for a
    mere refresh.
    """

    total: int | None
    complete: int = 0
    pruned: int = 0
    failed: int = 0
    running: tuple[RunningTrial, ...] = ()
    earlier: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None
    best_value: float | None = None
    best_trial: int | None = None
    unit: str = ""
    ended: EndedTrial | None = None

    @property
    def done(self) -> int:
        """Trials that count towards `total`: complete and pruned ones."""
        return self.complete + self.pruned

    @property
    def expected_seconds(self) -> float | None:
        """Time to the end at this invocation's pace, within the timeout; None while unknown."""
        if self.total is None or self.done <= self.earlier:
            return self.seconds_left
        pace = self.seconds / (self.done - self.earlier)
        expected = pace * max(self.total - self.done, 0)
        return expected if self.seconds_left is None else min(expected, self.seconds_left)


class Progress(ABC):
    """A display of a search; a context manager around it.

    >>> with progress("alignn_fusion") as display:
    ...     display.update(SearchState(total=50, complete=1))
    """

    @abstractmethod
    def update(self, state: SearchState) -> None:
        """Show `state`; from any thread, and cheap enough to be called every second."""

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


class LineProgress(Progress):
    """One log line a trial that ends: for files, pipes and batch systems."""

    def update(self, state: SearchState) -> None:
        if state.ended is not None:
            level = logging.WARNING if state.ended.message else logging.INFO
            log.log(level, "%s", ended_line(state))


class LiveProgress(Progress):
    """A bar that stays at the bottom of the terminal, a line for each running trial under it."""

    def __init__(self, title: str, console: Console | None = None) -> None:
        self.title = title
        self._lines = LineProgress()
        self._live = Live(console=console or Console(), refresh_per_second=4, transient=True)

    def update(self, state: SearchState) -> None:
        self._lines.update(state)
        self._live.update(picture(state, self.title))

    def refresh(self) -> None:
        """Draw now; otherwise it is drawn four times a second."""
        self._live.refresh()

    def __enter__(self) -> "Progress":
        self._shown = ExitStack()
        self._shown.enter_context(self._live)
        self._shown.enter_context(_handlers_write_above())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._shown.close()


def progress(title: str, console: Console | None = None) -> Progress:
    """The display that fits where the output goes: live on a terminal, else lines in the log.

    Args:
        title: the study's name.
        console: where to look and to write; a console on standard output when None.
    """
    console = console or Console()
    return LiveProgress(title, console) if console.is_terminal else LineProgress()


def ended_line(state: SearchState) -> str:
    """`state.ended` and where the search stands, in one line. `state.ended` must be there."""
    ended = state.ended
    assert ended is not None
    what = f"trial {ended.number} {ended.state.replace('_', ' ')}"
    if ended.epoch is not None:
        what += f" at epoch {ended.epoch}"
    if ended.value is not None:
        what += f": {quantity(ended.value, state.unit)}"
    if ended.message:
        what += f" ({ended.message})"
    where = f"{_done(state)}, {_others(state)}{_left(state)}"
    return " | ".join(filter(None, (what, _best(state), where)))


def picture(state: SearchState, title: str) -> Group:
    """The live display of `state`."""
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        Text(title, style="bold"),
        ProgressBar(total=state.total or None, completed=state.done, width=30),
        Text(_done(state) + _left(state)),
    )
    lines: list[RenderableType] = [bar, Text(f"  {_others(state)}")]
    if best := _best(state):
        lines.insert(1, Text(f"  {best}", "green"))
    for trial in state.running:
        reported = "" if trial.epoch is None else f", epoch {trial.epoch}"
        if trial.value is not None:
            reported += f": {quantity(trial.value, state.unit)}"
        lines.append(Text(f"  trial {trial.number}, {duration(trial.seconds)}{reported}", "dim"))
    return Group(*lines)


def _done(state: SearchState) -> str:
    return f"{state.done}/{state.total} done" if state.total else f"{state.done} done"


def _others(state: SearchState) -> str:
    return f"{len(state.running)} running, {state.pruned} pruned, {state.failed} failed"


def _left(state: SearchState) -> str:
    expected = state.expected_seconds
    return "" if expected is None else f", {duration(expected)} left"


def _best(state: SearchState) -> str:
    if state.best_value is None:
        # with several objectives there is none, however many trials are complete
        return "" if state.complete else "no best yet"
    return f"best {quantity(state.best_value, state.unit)} in trial {state.best_trial}"


@contextmanager
def _handlers_write_above() -> Iterator[None]:
    """While a bar is shown, log handlers that write to the terminal write above it.

    rich puts its own sys.stdout in place; handlers made earlier still hold the old one.
    """
    terminal = (sys.__stdout__, sys.__stderr__)
    handlers = [
        handler
        for handler in logging.getLogger().handlers
        if isinstance(handler, logging.StreamHandler) and handler.stream in terminal
    ]
    streams = [handler.setStream(sys.stdout) for handler in handlers]
    try:
        yield
    finally:
        for handler, stream in zip(handlers, streams, strict=True):
            handler.setStream(stream)
