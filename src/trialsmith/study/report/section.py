"""What a section of the report is made of, and numbers as its figures hold them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Drawing:
    """A figure: plotly's `data` and `layout`, in which `--name` is a colour of the page's theme.

    `title` is plain text above it, `height` its pixels, `note` plain text below it.
    """

    data: list[dict[str, Any]]
    layout: dict[str, Any]
    height: int = 360
    title: str = ""
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A part of the page. All texts are plain.

    Attributes:
        name: its anchor.
        lead: what there is to see, in a sentence or two.
        note: how it was made, in small print.
        small: its figures stand side by side, as many as there is room for.
    """

    name: str
    title: str
    lead: str
    drawings: Sequence[Drawing] = ()
    note: str = ""
    small: bool = False


def compact(value: float | None) -> float | int | None:
    """Five significant digits are more than a screen shows; None for what is no finite number."""
    if value is None or not math.isfinite(value):
        return None
    rounded = float(f"{value:.5g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def spread(items: Sequence[Any], most: int) -> list[Any]:
    """At most `most` of `items`, evenly spaced, the first and the last among them.

    >>> spread(range(9), 3)
    [0, 4, 8]
    """
    if len(items) <= most:
        return list(items)
    step = (len(items) - 1) / (most - 1)
    return [items[round(k * step)] for k in range(most)]


def counted(last: int) -> dict[str, int]:
    """What an axis of whole numbers up to `last` needs so as to have no others between them."""
    return {"dtick": 1} if last <= 10 else {}


def numbered(count: int, noun: str) -> str:
    """A number with its noun.

    >>> numbered(1, "trial"), numbered(2000, "trial")
    ('1 trial', '2,000 trials')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listed(words: Iterable[str]) -> str:
    """Words as a sentence lists them.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    *most, last = list(words) or [""]
    return f"{', '.join(most)} and {last}" if most else last
