"""Texts of others in tables: a spreadsheet that opens one runs cells that look like formulas."""

from collections.abc import Iterable
from typing import Any


def guard(text: str) -> str:
    """`text` with an apostrophe before it where a spreadsheet would run it.

    Spreadsheets run cells that begin with = + - @ or a tab, unless they are numbers. `unguard`
    undoes it.
    """
    return f"'{text}" if text and text[0] in "=+-@\t\r\n'" and not _number(text) else text


def unguard(cell: str) -> str:
    """The text that `guard` made `cell` of."""
    return cell.removeprefix("'")


def guarded(row: Iterable[Any]) -> list[Any]:
    """The cells of a row, its texts guarded."""
    return [guard(cell) if isinstance(cell, str) else cell for cell in row]


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text == text.strip()
