"""Where a result comes from: commit, versions, host, command."""

import importlib.metadata
import platform
import shlex
import socket
import subprocess
import sys
from functools import cache

PACKAGES = ("trialsmith", "torch", "lightning", "hydra-core", "optuna", "numpy", "dgl")


@cache
def provenance() -> dict[str, object]:
    """Facts that somebody needs to make the same result again; the same for a whole process."""
    return {
        "git_commit": _git("rev-parse", "HEAD"),
        "git_dirty": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: _version(name) for name in PACKAGES},
        "command": shlex.join(sys.argv),
    }


def _git(*arguments: str) -> str | None:
    """What git says of the working folder, or None where there is no git or no repository."""
    try:
        done = subprocess.run(
            ("git", *arguments), capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
