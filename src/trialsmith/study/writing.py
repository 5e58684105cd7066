"""Files that are whole at every moment: written aside, then renamed into place.

A reader, another sweeper on the same study or a crash never meets half a file. Nothing is synced
to disk: every file here can be made again from the study's storage (`trialsmith report`).
"""

import os
import uuid
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Make `path` a file with `text` (UTF-8), in one step."""
    # a name that is not valid Unicode (a folder from an old file system) is shown escaped
    data = text.encode("utf-8", errors="backslashreplace")
    aside = _aside(path)
    try:
        aside.write_bytes(data)
        os.replace(aside, path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def replace_link(path: Path, target: str) -> None:
    """Make `path` a symbolic link to `target` (relative to the link's own folder), in one step."""
    if path.is_symlink() and os.readlink(path) == target:
        return
    aside = _aside(path)
    try:
        aside.symlink_to(target, target_is_directory=True)
        os.replace(aside, path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
