"""The output of a program, read from the file that it is written to."""

from collections.abc import Iterator
from pathlib import Path

CHUNK = 1 << 20  # bytes that one look reads at most
LONGEST = 1 << 16  # bytes of a line; longer ones come in pieces, so that none need be held whole


class Tail:
    """The new lines of a file that grows; `\\r` ends a line too, for the sake of progress bars.

    Attributes:
        is_behind: the last look found more than it read.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._rest = b""
        self.is_behind = False

    def __enter__(self) -> "Tail":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def lines(self) -> list[str]:
        """The lines that were completed since the last look."""
        chunk = self._file.read(CHUNK)
        self.is_behind = len(chunk) == CHUNK
        pieces = (self._rest + chunk).splitlines(keepends=True)
        ends = pieces and not pieces[-1].endswith((b"\n", b"\r")) and len(pieces[-1]) < LONGEST
        self._rest = pieces.pop() if ends else b""
        return [_text(piece) for piece in pieces]

    def remaining(self) -> Iterator[str]:
        """What is left once nothing is written any more, the last line complete or not."""
        while found := self.lines():
            yield from found
        yield _text(self._rest)


def last_lines(path: Path, count: int = 10, width: int = 200) -> list[str]:
    """The last lines of a file that may be large, without blank ones."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - count * width))
        lines = [_text(line).strip() for line in file.read().splitlines()]
    return [line[-width:] for line in lines if line][-count:]


def _text(line: bytes) -> str:
    return line.decode(errors="replace")
