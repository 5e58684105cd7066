"""What ran when: trials in the slots that they took; times when nobody searched are cut out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from trialsmith.study.page import shown
from trialsmith.study.report.section import Drawing, Section, listed, numbered
from trialsmith.study.table import StudyTable, TrialRow
from trialsmith.study.words import duration

PAUSE = 30.0  # seconds in which nothing runs, from which on nobody searches
NAMED = 60  # trials that have room for their number
BARS = 240  # trials that are a bar each; more are one line with gaps, which a browser draws at once
LANES = 40  # slots that the picture has room for

Alive = Callable[[TrialRow], bool]


@dataclass(frozen=True)
class Bar:
    """A trial in its slot: `begin` and `end` in seconds of searching, pauses left out."""

    trial: TrialRow
    lane: int
    begin: float
    end: float


@dataclass(frozen=True)
class Timeline:
    """Who was busy when.

    Attributes:
        lanes: the slots' names, by host.
        pauses: where a time without any trial was cut out, and how long it was.
        seconds: of searching.
        offered: seconds of all slots, each session with as many as were in use at once.
        used: seconds of them in which a trial ran.
    """

    bars: list[Bar]
    lanes: list[str]
    pauses: list[tuple[float, float]]
    seconds: float
    offered: float
    used: float

    @property
    def busy(self) -> float:
        """The share of the slots' time in which they worked."""
        return self.used / self.offered if self.offered > 0 else 1.0


def timeline(table: StudyTable, now: datetime, alive: Alive) -> Timeline | None:
    """The timeline of a study at the moment `now`; None when no trial has begun.

    Slots are not stored: each trial is given the first one of its host that is free.

    Args:
        alive: whether a trial that is stored as running is still run by somebody.
    """
    spans = _spans(table, now, alive)
    if not spans:
        return None
    lanes, placed = _lanes(spans)
    pause = max(PAUSE, 3 * median(end - begin for _, begin, end in spans))
    bars: list[Any] = []
    pauses: list[Any] = []
    offered = shift = covered = 0.0
    session: list[tuple[float, float]] = []
    for trial, begin, end in spans:
        if session and begin - covered > pause:
            pauses.append((covered - shift, begin - covered))
            shift += begin - covered
            offered += _offered(session)
            session = []
        covered = max(covered, end) if bars else end
        session.append((begin, end))
        bars.append(Bar(trial, placed[trial.number], begin - shift, end - shift))
    return Timeline(
        bars=bars,
        lanes=lanes,
        pauses=pauses,
        seconds=covered - shift,
        offered=offered + _offered(session),
        used=sum(end - begin for _, begin, end in spans),
    )


def timeline_section(found: Timeline | None) -> Section | None:
    """The picture of it."""
    if found is None:
        return None
    slots = len(found.lanes)
    lead = f"{numbered(slots, 'slot')} ran for {duration(found.seconds)} and worked "
    lead += f"{found.busy:.0%} of that time"
    if found.pauses:
        total = duration(sum(seconds for _, seconds in found.pauses))
        lead += f"; {numbered(len(found.pauses), 'pause')} of {total} in all left out"
    note = "Slots are worked out from when trials began and ended."
    if slots > LANES:
        note += f" The first {LANES} of {slots} slots."
    return Section("timeline", "What ran when", f"{lead}.", [_drawing(found)], note)


def _spans(table: StudyTable, now: datetime, alive: Alive) -> list[tuple[TrialRow, float, float]]:
    """Trials with their begin and end in seconds since the first one's begin, in that order."""
    begun = [(trial, trial.start) for trial in table.trials if trial.start is not None]
    if not begun:
        return []
    zero = min(start for _, start in begun)
    last = max((trial.end for trial, _ in begun if trial.end is not None), default=zero)

    def end(trial: TrialRow, start: datetime) -> datetime:
        # one whose process is gone ran until some time that nobody noted
        running = now if alive(trial) else last
        return max(start, trial.end or running)

    spans = [
        (trial, (start - zero).total_seconds(), (end(trial, start) - zero).total_seconds())
        for trial, start in begun
    ]
    return sorted(spans, key=lambda span: (span[1], span[0].number))


def _lanes(spans: Sequence[tuple[TrialRow, float, float]]) -> tuple[list[str], dict[int, int]]:
    """Names of the slots, and each trial's; hosts one after the other."""
    free: dict[str, list[float]] = {}
    own: dict[int, tuple[str, int]] = {}
    for trial, begin, end in spans:
        slots = free.setdefault(str(trial.attributes.get("host", "")), [])
        # a slot gets its next trial within the clock's resolution of the last one's end
        slot = next((k for k, until in enumerate(slots) if until <= begin + 0.01), len(slots))
        slots[slot : slot + 1] = [end]
        own[trial.number] = (str(trial.attributes.get("host", "")), slot)
    names = [(host, slot) for host, slots in sorted(free.items()) for slot in range(len(slots))]
    place = {name: k for k, name in enumerate(names)}
    several = len(free) > 1
    labels = [f"{host} {slot + 1}" if several else f"slot {slot + 1}" for host, slot in names]
    return labels, {number: place[name] for number, name in own.items()}


def _offered(session: Sequence[tuple[float, float]]) -> float:
    """Slots in use at once at the most, times how long the session was."""
    steps = sorted([(begin + 0.01, 1) for begin, _ in session] + [(end, -1) for _, end in session])
    most = current = 0
    for _, step in steps:
        current += step
        most = max(most, current)
    length = max(end for _, end in session) - min(begin for begin, _ in session)
    return max(most, 1) * length


def _drawing(found: Timeline) -> Drawing:
    lanes = found.lanes[:LANES]
    height = 130 + 34 * min(len(lanes), 8) + 16 * max(0, len(lanes) - 8)
    scale, unit = _unit(found.seconds)
    data = [
        _bars(found, state, scale)
        if len(found.bars) <= BARS
        else _line(found, state, scale, 0.7 * (height - 90) / len(lanes))
        for state in ("complete", "pruned", "failed", "running")
        if any(bar.trial.state == state for bar in found.bars)
    ]
    layout = {
        "barmode": "overlay",
        "bargap": 0.25,
        "showlegend": True,
        "xaxis": {"title": {"text": f"{unit} of searching"}, "rangemode": "tozero"},
        "yaxis": {
            "tickvals": list(range(len(lanes))),
            "ticktext": [shown(lane, 24) for lane in lanes],
            "range": [len(lanes) - 0.5, -0.5],
            "fixedrange": True,
            "automargin": True,
            "showgrid": False,
        },
        "shapes": [_pause(position / scale) for position, _ in found.pauses],
    }
    note = f"Dotted: {_pauses(found)}." if found.pauses else ""
    return Drawing(data, layout, height=height, note=note)


def _pauses(found: Timeline) -> str:
    longest = [duration(seconds) for _, seconds in found.pauses[:5]]
    more = "" if len(found.pauses) <= 5 else " and more"
    return f"nothing ran for {listed(longest)}{more}"


def _bars(found: Timeline, state: str, scale: float) -> dict[str, Any]:
    bars = [bar for bar in found.bars if bar.trial.state == state and bar.lane < LANES]
    named = len(found.bars) <= NAMED
    return {
        "type": "bar",
        "orientation": "h",
        "name": state,
        "y": [bar.lane for bar in bars],
        "base": [round(bar.begin / scale, 4) for bar in bars],
        "x": [round((bar.end - bar.begin) / scale, 4) for bar in bars],
        "customdata": [bar.trial.number for bar in bars],
        "text": [str(bar.trial.number) if named else "" for bar in bars],
        "textposition": "inside",
        "insidetextanchor": "middle",
        "textangle": 0,
        "hoverinfo": "none",
        "marker": {"color": f"--{state}", "line": {"width": 1, "color": "--surface"}},
    }


def _line(found: Timeline, state: str, scale: float, width: float) -> dict[str, Any]:
    """The bars of a state as one line of that width, with gaps."""
    bars = [bar for bar in found.bars if bar.trial.state == state and bar.lane < LANES]
    ends = [(round(bar.begin / scale, 4), round(bar.end / scale, 4)) for bar in bars]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": state,
        "x": [x for begin, end in ends for x in (begin, end, None)],
        "y": [y for bar in bars for y in (bar.lane, bar.lane, None)],
        "customdata": [n for bar in bars for n in (bar.trial.number, bar.trial.number, None)],
        "hoverinfo": "none",
        "line": {"color": f"--{state}", "width": width, "simplify": False},
    }


def _pause(position: float) -> dict[str, Any]:
    look = {"color": "--ink", "width": 1, "dash": "dot"}
    ends = {"x0": position, "x1": position, "y0": 0, "y1": 1}
    return {"type": "line", "xref": "x", "yref": "paper", "line": look, **ends}


def _unit(seconds: float) -> tuple[float, str]:
    if seconds < 180:
        return 1.0, "seconds"
    return (60.0, "minutes") if seconds < 3 * 3600 else (3600.0, "hours")
