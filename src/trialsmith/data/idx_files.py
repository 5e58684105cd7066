"""The IDX format of MNIST and its kin: a few bytes of header, then the numbers."""

import gzip
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from trialsmith.errors import DataError

_UNSIGNED_BYTES = 0x08  # the third byte of the header; the fourth is the number of dimensions


def idx_array(path: Path) -> UInt8[np.ndarray, "..."]:
    """The unsigned bytes of an IDX file, gzipped or not.

    Raises:
        DataError: the file is no IDX file of unsigned bytes, or is cut short.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as file:
            content = file.read()
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}. Copy or download it again.") from None
    if len(content) < 4 or content[:3] != bytes([0, 0, _UNSIGNED_BYTES]):
        raise DataError(f"{path} is not an IDX file of unsigned bytes: it begins {content[:4]!r}.")
    dimensions = content[3]
    start = 4 + 4 * dimensions
    shape = np.frombuffer(content[4:start], ">u4").astype(int)
    if len(content) != start + shape.prod():
        raise DataError(
            f"{path}: {len(content)} bytes, and its header says {start + shape.prod()} "
            f"for an array of {tuple(shape.tolist())}. Copy or download it again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
