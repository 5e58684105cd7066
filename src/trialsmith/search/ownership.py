"""Who works on a trial, and whether they still live.

A trial names its owner, the sweeping process, as `host:pid:start time`. The start time tells a
process from a later one with the same number. Only processes of this host can be looked at;
trials of other hosts are left alone.
"""

import os
import socket
from functools import cache

import psutil

SAME_START = 2.0  # seconds; the clock of the start times is coarse


@cache
def me() -> str:
    """This process."""
    return f"{socket.gethostname()}:{os.getpid()}:{psutil.Process().create_time():.0f}"


def is_mine(owner: object) -> bool:
    return owner == me()


def is_dead(owner: object) -> bool:
    """Whether `owner` is known to be gone: a process of this host that ended.

    A trial without a readable owner was left between two writes, so its owner is gone as well.
    """
    parts = str(owner).rsplit(":", 2)
    if len(parts) != 3 or not (parts[1].isdigit() and parts[2].isdigit()):
        return True
    host, pid, start = parts
    if host != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(pid))
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
        return abs(process.create_time() - float(start)) > SAME_START
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def host(owner: object) -> str:
    """The host of an owner."""
    return str(owner).rsplit(":", 2)[0]
