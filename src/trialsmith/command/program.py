"""A running program: its output in files, its end for certain."""

import errno
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from trialsmith.command import guard
from trialsmith.errors import SearchError

MARK = "RUN_BY_TRIALSMITH"  # in the environment of a program and of all that it starts
PATIENCE = 5.0  # seconds beyond the grace that the guard gets to kill what is left

# what the program is told about itself by the system, and what to do about it
_REMEDIES = {
    errno.ENOENT: "give the path from where the search was started, ./train.sh, or a program on "
    "PATH; of a script, the interpreter in its first line must be there too",
    errno.EACCES: "make it executable with chmod +x, or name its interpreter, sh train.sh",
    errno.ENOEXEC: "begin the script with #!/bin/sh, or name its interpreter, sh train.sh",
    errno.E2BIG: "hand over a file instead of a long value",
}


class Program:
    """A program of ours, from entering the block to leaving it; then nothing of it runs any more.

    Standard output and error go to `stdout.log` and `stderr.log` in `folder` as they come. The
    program reads nothing, has no terminal, and finds this process's environment, apart from what
    tells a job its trial: it may be a search itself.

    Should somebody kill the guard that watches over it, this process ends what there is left: on
    Linux all that has the program's mark in its environment, so that only what runs with an
    environment of its own making, as by `env -i`, escapes.

    Args:
        arguments: the program and its arguments.
        grace: seconds between SIGTERM and SIGKILL.

    Attributes:
        outputs: the files of standard output and of standard error.
        exit_code: negative for a signal, None until it has ended or if its guard was killed.

    Raises:
        SearchError: the program cannot be started.
    """

    def __init__(self, arguments: list[str], folder: Path, grace: float) -> None:
        self.outputs = (folder / "stdout.log", folder / "stderr.log")
        self.exit_code: int | None = None
        self._arguments = arguments
        self._grace = grace
        self._is_over = False
        self._mark = f"{MARK}={secrets.token_hex(8)}"

    def __enter__(self) -> "Program":
        lifeline, self._lifeline = os.pipe()
        self._report, report = os.pipe()
        words = [sys.executable, "-I", "-S", guard.__file__, str(lifeline), str(report)]
        try:
            with self.outputs[0].open("wb") as stdout, self.outputs[1].open("wb") as stderr:
                self._guard = subprocess.Popen(
                    [*words, str(self._grace), *self._arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    env=_environment(self._mark),
                    pass_fds=(lifeline, report),
                    start_new_session=True,
                )
        except OSError as error:
            os.close(self._lifeline)
            os.close(self._report)
            raise _not_started(self._arguments[0], error.errno or 0) from None
        finally:
            os.close(lifeline)
            os.close(report)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._lifeline)
        try:
            self.runs(self._grace + PATIENCE)
        finally:
            # of the guard's group nothing may be left, even if it was killed itself
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._guard.pid, signal.SIGKILL)
            self._guard.wait()
            if self.exit_code is None:
                _end_marked(self._mark)
            os.close(self._report)

    def runs(self, timeout: float) -> bool:
        """Whether the program still runs, after `timeout` seconds or as soon as it does not.

        Raises:
            SearchError: it could not be started.
        """
        if not self._is_over and select.select([self._report], [], [], timeout)[0]:
            self._is_over = True
            word, _, number = os.read(self._report, 64).split(b"\n")[0].partition(b" ")
            if word == b"error":
                raise _not_started(self._arguments[0], int(number))
            self.exit_code = int(number) if word == b"exit" else None
        return not self._is_over


def refuse_missing(program: str) -> None:
    """Find out whether a program can be started here, without starting it.

    Raises:
        SearchError: it is not there, or may not be executed.
    """
    if shutil.which(program) is None:
        is_path = bool(os.path.dirname(program)) and Path(program).exists()
        raise _not_started(program, errno.EACCES if is_path else errno.ENOENT)


def _not_started(program: str, number: int) -> SearchError:
    remedy = _REMEDIES.get(number, "see that it runs by hand")
    reason = os.strerror(number).lower()
    return SearchError(f"command: {program} cannot be run, {reason}: {remedy}")


def _environment(mark: str) -> dict[str, str]:
    kept = {key: text for key, text in os.environ.items() if not key.startswith("TRIALSMITH_")}
    key, _, value = mark.partition("=")
    # Python holds its output back where it is not a terminal, and then its values come too late
    return {"PYTHONUNBUFFERED": "1", **kept, key: value}


def _end_marked(mark: str) -> None:
    """Kill whatever has the mark in its environment, and what that started meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while (found := _marked(mark)) and time.monotonic() < deadline:
        for process in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.02)


def _marked(mark: str) -> list[int]:
    """Known on Linux only; of the dead and of other users' processes nothing is."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark.encode() in environment.read_bytes().split(b"\0"):
                found.append(int(environment.parent.name))
    return found
