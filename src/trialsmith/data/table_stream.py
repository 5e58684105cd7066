"""Delimited text files larger than memory: one record after the other."""

import csv
import gzip
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from trialsmith.data.table import DELIMITERS, GZIP, Record
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
    csv.field_size_limit(sys.maxsize)  # a CIF may be longer than the default 131 kB
    begin = 1
    try:
        with _opened(path) as file:
            delimiter = _delimiter(file)
            lines = (line.replace("\r\n", "\n").replace("\r", "\n") for line in _text(path, file))
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            for fields in reader:
                if any(map(str.strip, fields)):
                    yield Record(begin, fields)
                begin = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path} line {begin}: the record that begins here is not valid CSV ({error}). "
            "What follows is not read."
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} line {begin} or later is not UTF-8: save the file as UTF-8, e.g. "
            "iconv -f latin1 -t utf-8. What follows is not read."
        ) from error
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}") from error


def _opened(path: Path) -> TextIOWrapper:
    with path.open("rb") as file:
        zipped = file.read(2) == GZIP
    opened = gzip.GzipFile(path) if zipped else path.open("rb")
    return TextIOWrapper(opened, encoding="utf-8-sig", newline="")


def _delimiter(file: TextIOWrapper) -> str:
    first = next((line for line in file if line.strip()), "")
    file.seek(0)
    return max(DELIMITERS, key=first.count)


def _text(path: Path, lines: TextIOWrapper) -> Iterator[str]:
    for line in lines:
        if "\0" in line:
            raise DataError(f"{path} is a binary file, not text. Give a text file in UTF-8.")
        yield line
