"""Who works on a trial, and whether they still live.

A trial names its owner, the sweeping process, as `host:pid:start`. The start tells a process from
a later one with the same number; it is not a time of day, for a clock that is set would make the
living look dead. Only processes of this host can be looked at; trials of other hosts are left
alone.
"""

import os
import socket
from functools import cache
from pathlib import Path

import psutil


@cache
def me() -> str:
    """This process."""
    return f"{socket.gethostname()}:{os.getpid()}:{_start(psutil.Process())}"


def is_mine(owner: object) -> bool:
    return owner == me()


def is_dead(owner: object) -> bool:
    """Whether `owner` is known to be gone: a process of this host that ended.

    A trial without a readable owner was left between two writes, so its owner is gone as well.
    """
    parts = str(owner).rsplit(":", 2)
    if len(parts) != 3 or not parts[1].isdigit():
        return True
    host, pid, start = parts
    if host != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(pid))
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
        return _start(process) != start
    except (psutil.NoSuchProcess, ProcessLookupError):
        return True
    except (psutil.AccessDenied, PermissionError):
        return False


def _start(process: psutil.Process) -> str:
    """When `process` began: on Linux the boot, and the kernel's ticks since then."""
    try:
        ticks = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
        return f"{_boot()}-{ticks}"
    except FileNotFoundError:
        return f"{process.create_time():.0f}"


@cache
def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text()[:8]


def host(owner: object) -> str:
    """The host of an owner."""
    return str(owner).rsplit(":", 2)[0]
