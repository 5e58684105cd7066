"""Graphs as files have them: JSON lines and HDF5."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialsmith.data.paths import check_file
from trialsmith.errors import DataError

WANTED = "a file of graphs, JSON lines or HDF5,"


@dataclass(frozen=True)
class Record:
    """A graph's fields by their names, or why they cannot be read.

    Attributes:
        name: the line's number or the group's name, which is the graph's where nothing else is.
        where: file and line or group, for messages.
    """

    name: str
    where: str
    fields: Mapping[str, Any] | DataError


def records(path: Path) -> Iterator[Record]:
    """The graphs of a file: an object in each line, or a group each.

    Raises:
        DataError: there is no such file, or it is of no known kind.
    """
    check_file(path, WANTED)
    read = SUFFIXES.get(path.suffix.lower())
    if read is None:
        raise DataError(f"{path} is of no known kind; its name must end in {', '.join(SUFFIXES)}.")
    return read(path)


def _json_lines(path: Path) -> Iterator[Record]:
    found = False
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                found = True
                yield Record(f"{number:06d}", f"{path}, line {number}", _object(line))
    if not found:
        raise DataError(f"{path} is empty: a line for each graph is needed, a JSON object each.")


def _object(line: bytes) -> Mapping[str, Any] | DataError:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        return DataError(f"this is not JSON: {error}")
    if not isinstance(fields, dict):
        return DataError("this is no JSON object: {…} with the graph's fields is needed")
    return fields


def _hdf5(path: Path) -> Iterator[Record]:
    import h5py  # only here: nothing else needs it

    try:
        file = h5py.File(path)
    except OSError as error:
        raise DataError(
            f"{path} cannot be opened as HDF5: {error}. It is cut short or of another kind: copy "
            "it again, or make it anew."
        ) from None
    with file:
        found = 0
        for name in file:
            fields = _group(file, name)
            if fields is None:
                continue
            found += 1
            yield Record(name, f"{path}, group {name}", fields)
        if not found:
            raise DataError(
                f"{path} has no groups: a group for each graph is needed, with a data set for each "
                f"of its fields. It has {', '.join(file) or 'nothing'}."
            )


def _group(file: Any, name: str) -> Mapping[str, Any] | DataError | None:
    """Data sets and attributes of a group; None where this is no group."""
    import h5py

    try:
        group = file[name]
        if not isinstance(group, h5py.Group):
            return None
        sets = {key: item[()] for key, item in group.items() if isinstance(item, h5py.Dataset)}
        return {**group.attrs, **sets}
    # what h5py raises of damaged and of foreign contents
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        return DataError(f"this cannot be read: {error}")


SUFFIXES: dict[str, Callable[[Path], Iterator[Record]]] = {
    **dict.fromkeys((".jsonl", ".ndjson"), _json_lines),
    **dict.fromkeys((".h5", ".hdf5", ".hdf"), _hdf5),
}
