"""Which column of a table holds what."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from trialsmith.data.problem import nearest
from trialsmith.errors import DataError

# Names by which a column is recognised, the likelier first; case, spaces and dashes do not matter.
_KNOWN = {
    "id": ("id", "material_id", "jid", "mp_id", "mpid", "identifier", "name"),
    "structure": ("cif", "structure", "poscar", "atoms", "file_name", "file", "path"),
    "text": ("description", "text", "robocrys"),
    "split": ("split", "subset"),
}
NONE = "none"


def role_columns(
    path: Path, header: Sequence[str], chosen: Mapping[str, str | None]
) -> dict[str, str | None]:
    """The column of each role (id, structure, text, split): the chosen one, or one known by name.

    Args:
        chosen: a column's name for a role, `none` for a role that no column shall have, or None.

    Raises:
        DataError: an unknown role or column, or several columns of splits and none chosen.
    """
    for role in chosen:
        if role not in _KNOWN:
            raise DataError(f"data.columns.{role}: roles are {', '.join(_KNOWN)}.")
    return {role: _column(path, header, role, chosen.get(role)) for role in _KNOWN}


def _column(path: Path, header: Sequence[str], role: str, chosen: str | None) -> str | None:
    if chosen == NONE:
        return None
    if chosen is not None:
        return existing(path, header, chosen, f"data.columns.{role}")
    by_name = {re.sub(r"[\W_]+", "_", name.lower()): name for name in reversed(header)}
    found = next((by_name[name] for name in _KNOWN[role] if name in by_name), None)
    several = [name for name in header if name.lower().startswith("split_")]
    if role == "split" and found is None and several:
        # Drawing a split of our own would put official test rows into training, unnoticed.
        raise DataError(
            f"{path} has columns of splits ({', '.join(several)}) and none named 'split'. Choose: "
            f"data.columns.split={several[0]}, or data.columns.split={NONE} for a random split."
        )
    return found


def existing(path: Path, header: Sequence[str], name: str, key: str) -> str:
    """The name itself.

    Raises:
        DataError: the table has no such column.
    """
    if name in header:
        return name
    names = ", ".join(column for column in header if column)
    raise DataError(
        f"{key}={name}: {path} has no such column.{nearest(name, header)} It has {names}."
    )


def target_columns(
    path: Path,
    candidates: Iterable[str],
    chosen: Sequence[str] | None,
    numeric: Callable[[str], bool],
) -> list[str]:
    """The chosen columns, or the only one that holds numbers.

    Raises:
        DataError: a chosen column does not exist, or none is chosen and there is not exactly one.
    """
    candidates = list(candidates)
    if chosen is not None:
        return [existing(path, candidates, name, "data.target") for name in chosen]
    numbers = [name for name in candidates if name and numeric(name)]
    if len(numbers) == 1:
        return numbers
    if not numbers:
        raise DataError(f"{path} has no column of numbers to predict. Name one: data.target=...")
    raise DataError(
        f"{path} has several columns of numbers: {', '.join(numbers)}. "
        f"Choose one: data.target={numbers[0]}"
    )
