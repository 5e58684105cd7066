"""Medians, ratios and Markdown."""

from collections.abc import Sequence
from statistics import median

Seconds = Sequence[float]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column holds names."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def ratio(slow: Seconds, fast: Seconds) -> float:
    """How many times faster: the median over the rounds, each of which ran both."""
    return median(_quotients(slow, fast))


def shown_ratio(slow: Seconds, fast: Seconds) -> str:
    """The ratio with the least and the greatest of a round: 12.1 × (11.8–12.5)."""
    quotients = _quotients(slow, fast)
    least, greatest = (number(q) for q in (min(quotients), max(quotients)))
    return f"{number(median(quotients))} × ({least}–{greatest})"


def number(value: float, digits: int = 3) -> str:
    """A number to so many significant digits, without an exponent where it needs none."""
    if value and (abs(value) >= 1e7 or abs(value) < 1e-3):
        return f"{value:.{digits - 1}e}"
    text = f"{value:#.{digits}g}"
    whole = abs(float(text)) >= 10 ** (digits - 1)
    return f"{float(text):.0f}" if whole else text


def _quotients(slow: Seconds, fast: Seconds) -> list[float]:
    return [a / b for a, b in zip(slow, fast, strict=True)]
