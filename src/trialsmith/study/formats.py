"""A study's values as JSON, YAML and CSV text that other programs read back unharmed."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from trialsmith import yaml12
from trialsmith.spreadsheet import guard


def to_json(value: Any) -> str:
    """Indented JSON. NaN and infinities, which JSON lacks, become "NaN", "Infinity", "-Infinity".

    Python's `float` and JavaScript's `Number` read those strings back.
    """
    return json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """`value` with nothing in it that JSON lacks."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds")
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    return str(value)


def to_yaml(value: Any) -> str:
    """Block YAML in the given order of keys."""
    return yaml12.dump(value)


def to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Comma-separated text, every cell quoted: commas and line breaks in values do no harm.

    A column that a row lacks is an empty cell; None is null; lists and mappings are JSON. Text
    that a spreadsheet would take for a formula is guarded, and so is the empty text, which differs
    from a missing value (see `trialsmith.spreadsheet`).
    """
    text = io.StringIO()
    table = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    table.writerow([_text(name) for name in columns])
    table.writerows([_cell(row[c]) if c in row else "" for c in columns] for row in rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    value = plain(value)
    return _text(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _text(value: str) -> str:
    return guard(value) or "'"
