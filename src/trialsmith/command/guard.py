"""Stands between a run and its program, and ends the program when the run is over or dead.

    python -I -S guard.py <lifeline> <report> <grace> program argument…

Two pipes lead here. The run holds the other end of `lifeline`: when it closes, because the run
wants the program to end or because somebody killed the run, everything that the program started
gets SIGTERM and, `grace` seconds later, SIGKILL. How the program ended goes into `report`: a line
`exit <code>`, negative for a signal, or `error <errno>` where it could not be started.

This process leads a session and a group of its own, so that whoever ends the run's group leaves
it to its work. On Linux it adopts what the program leaves behind, also what has gone into other
groups; elsewhere the group alone is ended. It imports nothing of the project: it starts in the
time that a shell needs.
"""

import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Collection

PR_SET_CHILD_SUBREAPER = 36
STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
TICK = 0.02  # seconds


def main(lifeline: int, report: int, grace: float, command: list[str]) -> None:
    """Run `command` to its end, or to that of the lifeline, and leave nothing behind."""
    for descriptor in (lifeline, report):
        os.set_inheritable(descriptor, False)
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)  # they are for the program
    _adopt_orphans()
    woken = _wake_on_children()
    program = _start(command, report)
    code: int | None = None
    while code is None and lifeline not in select.select([lifeline, woken], [], [])[0]:
        os.read(woken, 512)
        code = _reap().get(program)
    os.write(report, b"exit %d\n" % _end(program, grace, code))
    os.killpg(0, signal.SIGKILL)  # what is left of the group, this process last


def _start(command: list[str], report: int) -> int:
    program = os.fork()
    if program == 0:
        # Python ignores the last two, and the run perhaps SIGINT; a program expects neither
        for number in (*STOPS, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        try:
            os.execvp(command[0], command)
        except OSError as error:
            os.write(report, b"error %d\n" % (error.errno or 0))
        os._exit(127)
    return program


def _end(program: int, grace: float, code: int | None) -> int:
    """End everything; the program's exit code."""
    ended = {} if code is None else {program: code}
    deadline = time.monotonic() + grace
    _signal_all(signal.SIGTERM)
    while _have_children() and time.monotonic() < deadline:
        ended |= _reap()
        time.sleep(TICK)
    while _have_children():  # the children of those that are killed come here in their turn
        _signal_all(signal.SIGKILL, {program} - ended.keys())
        ended |= _reap()
        time.sleep(TICK)
    return ended[program]


def _signal_all(number: int, known: Collection[int] = ()) -> None:
    """To the group, unless that would end this process too, and to every child."""
    if number != signal.SIGKILL:
        os.killpg(0, number)
    for child in {*_children(), *known}:
        try:
            os.kill(child, number)
        except ProcessLookupError:
            continue


def _children() -> list[int]:
    """Known on Linux only."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def _have_children() -> bool:
    try:
        # WNOWAIT: the dead are counted elsewhere
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _reap() -> dict[int, int]:
    """Exit codes of the children that have ended, by their number."""
    ended: dict[int, int] = {}
    while True:
        try:
            child, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if child == 0:
            return ended
        ended[child] = os.waitstatus_to_exitcode(status)


def _wake_on_children() -> int:
    """A descriptor that becomes readable whenever a child ends."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return woken


def _adopt_orphans() -> None:
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
