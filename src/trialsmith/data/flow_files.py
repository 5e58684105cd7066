"""Arrays in .npy and .npz files, mapped: what is not asked for is never read."""

import logging
import mmap
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from trialsmith.data.paths import check_file
from trialsmith.data.problem import nearest
from trialsmith.errors import DataError
from trialsmith.graph import digest

log = logging.getLogger(__name__)

KEPT = 2**28  # bytes; a smaller file may stay in memory
EXTRACTED = 4 * 2**30  # bytes; a compressed array above it is refused
_NPY, _ZIP = b"\x93NUMPY", b"PK"  # how the two begin
# what a file that is cut short, altered, encrypted or of objects makes its readers raise
DAMAGE = (ValueError, EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error)
_LOCAL_HEADER = 30  # bytes before the name in a zip file's local header


def mapped(path: Path, name: str | None, key: str, cache_dir: Path) -> np.ndarray:
    """An array of a file, mapped.

    A member of an .npz that is stored as it is (`np.savez`) is mapped where it stands. A compressed
    one (`np.savez_compressed`) cannot be; up to 4 GiB it is extracted once, into the cache.

    Args:
        path: a .npy or .npz file.
        name: of the member of an .npz.
        key: the option that a message names.

    Raises:
        DataError: no such file or member, objects instead of numbers, or compressed and too large.
    """
    check_file(path, "an .npz or .npy file", key)
    try:
        if is_archive(path):
            return _member(path, name or "", cache_dir)
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except DAMAGE as error:
        raise DataError(f"{path} cannot be read as a file of numbers: {error}") from None


def is_archive(path: Path) -> bool:
    """Whether a file is an .npz, and not an .npy; by what it holds, whatever its name.

    Raises:
        DataError: it is neither, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            begin = file.read(len(_NPY))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from None
    if begin != _NPY and not begin.startswith(_ZIP):
        raise DataError(
            f"{path} is neither an .npz nor an .npy file: it begins {begin!r}. Make one of your "
            "arrays with np.savez or np.save."
        )
    return begin != _NPY


def members(path: Path) -> list[str]:
    """The names of the arrays in an .npz file."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    return [name.removesuffix(".npy") for name in names if name.endswith(".npy")]


def forget(array: np.ndarray) -> None:
    """Lets go of what was read of a mapped file; it is read again where it is asked for.

    The kernel would take it back when memory is short. But until then it counts as this process's,
    also to whoever ends processes that have too much.
    """
    held: Any = array
    while held is not None and not isinstance(held, mmap.mmap):
        held = getattr(held, "base", None)
    if held is not None and len(held) > KEPT and hasattr(mmap, "MADV_DONTNEED"):
        held.madvise(mmap.MADV_DONTNEED)


def identity(path: Path) -> str:
    """Another text whenever the file is another or was written to."""
    status = path.stat()
    return f"{path.resolve()} {status.st_size} {status.st_mtime_ns}"


def _member(path: Path, name: str, cache_dir: Path) -> np.ndarray:
    with zipfile.ZipFile(path) as archive:
        known = members(path)
        if name not in known:
            arrays = ", ".join(known) or "none"
            raise DataError(
                f"{path} has no array {name!r}.{nearest(name, known)} It has {arrays}: "
                "data.arrays.x and data.arrays.y name the signals and the targets."
            )
        entry = archive.getinfo(f"{name}.npy")
        if entry.compress_type == zipfile.ZIP_STORED:
            return _stored(path, entry)
        if entry.file_size > EXTRACTED:
            raise DataError(
                f"{path}: the array {name!r} is compressed and {entry.file_size / 2**30:.0f} GiB "
                "large, so it cannot be mapped. Save it with np.savez or np.save instead of "
                "np.savez_compressed."
            )
        return _extracted(archive, entry, cache_dir / "arrays" / digest(identity(path), name))


def _stored(path: Path, entry: zipfile.ZipInfo) -> np.ndarray:
    """Maps the member: its bytes stand in the archive behind its local header."""
    with path.open("rb") as file:
        file.seek(entry.header_offset)
        header = file.read(_LOCAL_HEADER)
        lengths = np.frombuffer(header, "<u2", count=2, offset=26)  # of the name and the extra
        file.seek(int(lengths.sum()), 1)
        version = np.lib.format.read_magic(file)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        if version not in read:
            raise ValueError(f"version {version} of the .npy format is not known")
        shape, fortran, dtype = read[version](file)
        if dtype.hasobject:
            raise ValueError("it holds Python objects, not numbers")
        return np.memmap(file, dtype, "r", file.tell(), shape, "F" if fortran else "C")


def _extracted(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, stem: Path) -> np.ndarray:
    file = stem.with_suffix(".npy")
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(stem.with_suffix(".lock")):
        if not file.exists():
            log.info("extracting %s from %s, once", entry.filename, archive.filename)
            unfinished = stem.with_suffix(".unfinished")
            with archive.open(entry) as source, unfinished.open("wb") as target:
                while block := source.read(2**24):
                    target.write(block)
            unfinished.replace(file)
    return np.load(file, mmap_mode="r", allow_pickle=False)
