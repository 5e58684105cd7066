"""Delimited text files, with the line on which each record begins."""

import csv
import gzip
import io
import re
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trialsmith.data.problem import Problem
from trialsmith.errors import DataError

GZIP = b"\x1f\x8b"
DELIMITERS = ",;\t"
_QUOTED = re.compile(r'(?<![^,;\t])"(?:[^"]|"")*(?:"|$)')  # a field, which may go on below


@dataclass(frozen=True)
class Record:
    """The fields of one record and the line it begins on, counted from 1 as editors do."""

    line: int
    fields: list[str]


@dataclass(frozen=True)
class Table:
    """A delimited file: its column names (empty without a header) and its records."""

    path: Path
    header: list[str]
    records: list[Record]
    problems: list[Problem]

    def where(self, record: Record) -> str:
        return f"{self.path} line {record.line}"

    def column(self, name: str) -> int:
        return self.header.index(name)


def read_text(path: Path) -> str:
    """The text of a file, unpacked when it is gzipped.

    Raises:
        DataError: the file is unreadable, binary, damaged, or not UTF-8 (names the line).
    """
    try:
        content = path.read_bytes()
        if content.startswith(GZIP):
            content = gzip.decompress(content)
    except OSError as error:  # BadGzipFile is one
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error) as error:
        raise DataError(f"{path} is a damaged gzip file: {error}. Fetch it again.") from error
    if b"\0" in content:
        raise DataError(f"{path} is a binary file, not text. Give a text file in UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} line {line}: byte 0x{content[error.start]:02x} is not UTF-8. "
            f"Save the file as UTF-8, e.g. iconv -f latin1 -t utf-8."
        ) from error


def read_table(path: Path, header: bool = True) -> Table:
    """Reads a CSV file, gzipped or not; commas, semicolons or tabs stand between the fields.

    Records whose number of fields is not that of the first record are problems of their row.

    Raises:
        DataError: an unreadable or empty file, a quote that never ends, column names that repeat.
    """
    text = read_text(path)
    if not text.strip():
        raise DataError(f"{path} is empty. A table with {_expected(header)} is needed.")
    remedy = 'Close its quotes, and write a quote within a quoted field as "".'
    records = list(records_of(path, io.StringIO(text, newline=""), remedy))
    first = records[0]
    names = [name.strip() for name in first.fields] if header else []
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise DataError(
            f"{path} line {first.line}: column {repeated[0]!r} occurs twice. Rename one."
        )
    rows = records[1:] if header else records
    if not rows:
        raise DataError(f"{path} has a header and no rows. Add rows, or name another file.")
    width = len(first.fields)
    problems = [
        Problem(
            f"{path} line {row.line}",
            row.fields[0][:40],
            f"has {len(row.fields)} fields where the first line has {width}; "
            "put quotes around fields that hold commas or line breaks",
        )
        for row in rows
        if len(row.fields) != width
    ]
    return Table(path, names, [row for row in rows if len(row.fields) == width], problems)


def _expected(header: bool) -> str:
    return "a header line and a row for each crystal" if header else "a line for each crystal"


def records_of(path: Path, file: io.TextIOBase, remedy: str) -> Iterator[Record]:
    """The records of an open file that hold anything, one after the other.

    A record begins on the line after its predecessor's last.

    Args:
        path: for messages.
        file: opened with newline="", and one that can go back to its begin.
        remedy: ends the message about a record that is not valid.

    Raises:
        DataError: a zero byte, or from some record on it is not valid CSV.
    """
    # a CIF may be longer than the default 131 kB; it is a setting of the whole process, and a
    # stream may be half read while another table begins or ends: so nobody takes it back
    csv.field_size_limit(sys.maxsize)
    begin = 1
    try:
        delimiter = _delimiter(file)
        reader = csv.reader(_lines(path, file), delimiter=delimiter, strict=True)
        for fields in reader:
            if any(map(str.strip, fields)):
                yield Record(begin, fields)
            begin = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path} line {begin}: the record that begins here is not valid CSV ({error}). {remedy}"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path} line {begin} or later is not UTF-8: save the file as UTF-8, e.g. "
            f"iconv -f latin1 -t utf-8. {remedy}"
        ) from error


def _delimiter(file: io.TextIOBase) -> str:
    first = next((line for line in file if line.strip()), "")
    file.seek(0)
    return max(DELIMITERS, key=_QUOTED.sub("", first).count)


def _lines(path: Path, file: io.TextIOBase) -> Iterator[str]:
    for line in file:
        if "\0" in line:
            raise DataError(f"{path} is a binary file, not text. Give a text file in UTF-8.")
        yield line.replace("\r\n", "\n").replace("\r", "\n")
