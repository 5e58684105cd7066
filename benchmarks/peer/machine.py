"""Where and when the figures were taken."""

import os
import platform
import subprocess
from datetime import date
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.peer.sample import ROOT

_PACKAGES = ("torch", "numpy", "alignn", "jarvis-tools", "lightning")


def description() -> str:
    """Processor, cores, memory, date, commit and versions, on a few lines of Markdown."""
    cores = len(os.sched_getaffinity(0))
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{package} {version(package)}" for package in _PACKAGES)
    libc = " ".join(platform.libc_ver())
    return (
        f"{_processor()}, {cores} cores, {memory:.0f} GiB; {date.today()}; trialsmith {_commit()}; "
        f"Python {platform.python_version()}, {libc}, {versions}."
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    names = {key.strip(): value.strip() for key, value in fields.items()}
    family = f"family {names.get('cpu family', '?')} model {names.get('model', '?')}"
    return f"{names.get('model name', platform.machine())} ({family})"


def _commit() -> str:
    line = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or version("trialsmith")
