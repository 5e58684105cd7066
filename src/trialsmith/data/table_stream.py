"""Delimited text files larger than memory: one record after the other."""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from trialsmith.data.table import GZIP, Record, records_of
from trialsmith.errors import DataError


@dataclass(frozen=True)
class Stream:
    """The column names of a file, and its other records as they are read.

    `records` raises a DataError at a place from which on the file cannot be read.
    """

    header: list[str]
    records: Iterator[Record]


def stream_table(path: Path) -> Stream:
    """Opens a CSV file with a header, gzipped or not; see `read_table`, which reads it whole.

    Raises:
        DataError: it is unreadable, binary or empty.
    """
    records = _records(path)
    first = next(records, None)
    if first is None:
        raise DataError(f"{path} is empty. A table with a header line and rows is needed.")
    return Stream([name.strip() for name in first.fields], records)


def _records(path: Path) -> Iterator[Record]:
    try:
        with _opened(path) as file:
            yield from records_of(path, file, "What follows is not read.")
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _opened(path: Path) -> TextIOWrapper:
    with path.open("rb") as file:
        zipped = file.read(2) == GZIP
    opened = gzip.GzipFile(path) if zipped else path.open("rb")
    return TextIOWrapper(opened, encoding="utf-8-sig", newline="")
