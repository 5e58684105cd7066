"""Where the user says that data are, and what stands there instead."""

from pathlib import Path

from trialsmith.data.problem import nearest
from trialsmith.errors import DataError


def check_file(path: Path, wanted: str, key: str = "data.path") -> None:
    """Raises a DataError where no file stands at the path.

    Args:
        wanted: what is needed there, for the message.
        key: the option that names the path.
    """
    if path.is_dir():
        raise DataError(f"{key}={path} is a folder; {wanted} is needed.")
    if not path.exists():
        raise DataError(f"{key}={path}: there is no such file: {missing(path)}")


def missing(path: Path) -> str:
    """What is wrong with a path that does not exist, told of its first missing part."""
    present = next(parent for parent in path.parents if parent.exists())
    first = path.relative_to(present).parts[0]
    if not present.is_dir():
        return f"{present} is a file, not a folder."
    beside = [entry.name for entry in present.iterdir()]
    return f"{present.resolve()} holds no {first!r}.{nearest(first, beside)}"
