"""Named arrays on disk, built once for all processes, found by a hash of what they depend on."""

import json
import logging
import multiprocessing
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import numpy as np
from filelock import FileLock

from trialsmith.errors import DataError

log = logging.getLogger(__name__)

MANIFEST = "manifest.json"


def digest(*parts: str | bytes | np.ndarray) -> str:
    """A hash of the parts, 32 hexadecimal digits: equal if and only if the parts are equal.

    Arrays count with type and shape. Parts are told apart: ("ab", "c") is not ("a", "bc").
    """
    total = sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            kind, body = f"array {part.dtype.str} {part.shape}", part.tobytes()
        else:
            kind, body = type(part).__name__, part.encode() if isinstance(part, str) else part
        total.update(f"{kind} {len(body)}\n".encode())
        total.update(body)
    return total.hexdigest()[:32]


class MappedArrays(Mapping[str, np.ndarray]):
    """Arrays of one cache record, read-only and mapped: all processes share one copy in memory.

    Pickled as the record's path, so that a worker maps the file too instead of getting a copy.
    """

    def __init__(self, record: Path, key: str) -> None:
        """Opens and verifies a record.

        Raises:
            any exception: the record is missing, foreign, cut short or altered.
        """
        self.record, self.key = record, key
        manifest = json.loads((record / MANIFEST).read_text())
        if manifest != _manifest(key, manifest["checksums"]):
            raise ValueError(f"{record / MANIFEST} is not the manifest of {key}")
        self._arrays = {
            name: _mapped(record / f"{name}.npy", checksum)
            for name, checksum in manifest["checksums"].items()
        }

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __reduce__(self) -> tuple[type["MappedArrays"], tuple[Path, str]]:
        return type(self), (self.record, self.key)


def _mapped(file: Path, checksum: int) -> np.ndarray:
    # A plain array over the map: slices of np.memmap cost ten times as much. Not by np.load, which
    # leaves a foreign file open that begins like a zip archive.
    array = np.asarray(np.lib.format.open_memmap(file, mode="r"))
    if _checksum(array) != checksum:
        raise ValueError(f"{file} is altered")
    return array


def _checksum(array: np.ndarray) -> int:
    """Of the type, the shape and the numbers."""
    return zlib.crc32(array.data, zlib.crc32(f"{array.dtype.str} {array.shape}".encode()))


def _manifest(key: str, checksums: Mapping[str, int]) -> dict[str, Any]:
    """What a record says of itself; its last word vouches for the others."""
    said = json.dumps([key, checksums])
    return {"key": key, "checksums": checksums, "all": zlib.crc32(said.encode())}


def cached_arrays(
    folder: Path, key: str, build: Callable[[], Mapping[str, np.ndarray]]
) -> MappedArrays:
    """The arrays of ``folder/key``, built if they are not there.

    Of several processes that ask at once, one builds and the others wait. A record appears whole
    or not at all, whenever the process is killed. A record that was cut short or altered is built
    anew, with a notice in the log.

    Args:
        folder: of the cache; made if need be.
        key: from :func:`digest`, of everything that the arrays depend on.
        build: makes the arrays; their names become file names.

    Raises:
        DataError: the record is not there and the folder cannot be written to, or this process
            has yet to import the user's script.
    """
    record = folder / key
    opened = _opened(record, key)
    if opened is not None:
        return opened
    # A spawned process runs the script of its parent, which may hold the lock and wait for it.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise DataError(
            f"the cache {folder} is asked for while a process that is to help imports the script "
            'that you run: put what the script does under if __name__ == "__main__":'
        )
    with _written_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{key}.lock").acquire()
    with lock:
        # Another process may have built it while this one waited for the lock.
        opened = _opened(record, key)
        if opened is not None:
            return opened
        if record.exists():
            log.warning("the cache record %s is damaged: it is built anew", record)
        arrays = build()
        with _written_to(folder):
            _write(record, key, arrays)
        return MappedArrays(record, key)


@contextmanager
def _written_to(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"the cache {folder} cannot be written: {error.strerror or error}. Free space or grant "
            "rights there, or choose another place: data.cache_dir=..."
        ) from error


def _opened(record: Path, key: str) -> MappedArrays | None:
    try:
        return MappedArrays(record, key)
    # What numpy and json raise of foreign bytes has no common base (BadZipFile, TokenError,
    # BufferError, OverflowError, RecursionError, ...), and nothing of a user's runs in here.
    except Exception:
        return None


def _write(record: Path, key: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes a record under another name and renames it, while its lock is held."""
    unfinished = record.with_name(f"{record.name}.unfinished")
    _clear(unfinished)  # of a process that was killed
    unfinished.mkdir()
    try:
        checksums = {}
        for name, array in arrays.items():
            array = np.ascontiguousarray(array)
            checksums[name] = _checksum(array)
            with (unfinished / f"{name}.npy").open("wb") as file:
                np.save(file, array, allow_pickle=False)
                _to_disk(file)
        with (unfinished / MANIFEST).open("w") as file:
            json.dump(_manifest(key, checksums), file, indent=1)
            _to_disk(file)
        _clear(record)  # damaged; who has it mapped keeps it
        unfinished.rename(record)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _clear(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


def _to_disk(file: IO[Any]) -> None:
    # Else a power cut after the renaming could leave a whole-looking record of zeros.
    file.flush()
    os.fsync(file.fileno())
