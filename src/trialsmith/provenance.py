"""Where a result comes from: commit and what was changed since, versions, host, command."""

import importlib.metadata
import os
import platform
import shlex
import shutil
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from trialsmith.search.credentials import word_without_credentials

PACKAGES = (
    *("trialsmith", "torch", "lightning", "torchmetrics", "hydra-core", "optuna", "numpy", "scipy"),
    *("dgl", "ase", "matscipy", "spglib"),
)
PATCH = "uncommitted.patch"
_LARGEST = 2**18  # bytes of a patch: every trial leaves one
_CODE = ("*.py", "*.yaml", "*.yml", "*.toml")  # of files that git does not know, these are code


@cache
def provenance() -> dict[str, object]:
    """Facts that somebody needs to make the same result again; the same for a whole process.

    Of the command and of addresses in it no password is kept.
    """
    patch = uncommitted()
    return {
        "git_commit": _git("rev-parse", "HEAD"),
        "git_dirty": patch is not None,
        **({"git_patch": _named(patch)} if patch is not None else {}),
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: _version(name) for name in PACKAGES},
        "command": shlex.join(map(word_without_credentials, sys.argv)),
        "working_folder": os.getcwd(),
    }


@cache
def uncommitted() -> str | None:
    """The code's changes since its commit as a patch for `git apply`, new files of code included.

    None where there are none, or no repository. Git's own index is left alone.
    """
    index = _git("rev-parse", "--path-format=absolute", "--git-path", "index")
    if index is None or not Path(index).is_file():
        return None
    with TemporaryDirectory() as folder:
        copy = str(shutil.copy(index, Path(folder, "index")))
        new = _git("ls-files", "--others", "--exclude-standard", "-z", "--", *_CODE)
        files = [name for name in (new or "").split("\0") if name]
        if files:
            _git("add", "--intent-to-add", "--", *files, index=copy)
        patch = _git("diff", "HEAD", index=copy)
    return f"{patch}\n" if patch else None


def write_patch(folder: Path) -> None:
    """Leave the changes in `folder`, where there are any and they are not too many."""
    patch = uncommitted()
    if patch is not None and _fits(patch):
        (folder / PATCH).write_text(patch, encoding="utf-8", errors="surrogateescape")


def _named(patch: str) -> str:
    if _fits(patch):
        return PATCH
    return f"none: the changes are {len(patch) // 1024} KB, more than {_LARGEST // 1024}"


def _fits(patch: str) -> bool:
    return len(patch) <= _LARGEST


def _git(*arguments: str, index: str | None = None) -> str | None:
    """What git says of the program's repository, or None where there is no git or no repository.

    Args:
        index: a file in place of the repository's own index.
    """
    program = Path(sys.argv[0] if sys.argv else "").resolve()
    folder = program.parent if program.is_file() else Path.cwd()
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    if index is not None:
        environment["GIT_INDEX_FILE"] = index
    try:
        done = subprocess.run(
            ("git", *arguments),
            cwd=folder,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip("\n") if done.returncode == 0 else None


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
