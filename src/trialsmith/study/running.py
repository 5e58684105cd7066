"""Runs train.py as a user would, from wherever the command was given."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import trialsmith
from trialsmith.errors import SearchError
from trialsmith.search.signals import StopSignals
from trialsmith.search.worker import die_with

PROGRAM = "train.py"
TICK = 0.2  # seconds


def find_program(start: Path | None = None) -> Path:
    """train.py: of the folder that one stands in, of `start`, or beside this package's sources.

    Args:
        start: where a search was started.

    Raises:
        SearchError: there is none.
    """
    beside = Path(trialsmith.__file__).resolve().parents[2]
    for folder in (Path.cwd(), start, beside):
        if folder is not None and (folder / PROGRAM).is_file() and (folder / "conf").is_dir():
            return (folder / PROGRAM).resolve()
    raise SearchError(f"there is no {PROGRAM} here, nor in {start}: run it where {PROGRAM} is")


def run_command(
    command: Sequence[str],
    folder: Path | None = None,
    meanwhile: Callable[[], None] = lambda: None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """The exit code of `command`; 128 + the signal where one asked this process to stop.

    The command gets that signal, too. It has a process group of its own: Ctrl-C would reach it
    twice. It ends with this process, however that ends.

    Args:
        folder: where it runs; None: here.
        meanwhile: called again and again while it runs.
        environment: variables that it has beside those of this process.
    """
    parent = os.getpid()
    with StopSignals() as signals:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            process_group=0,
            preexec_fn=lambda: die_with(parent),
        )
        passed_on = False
        while (code := process.poll()) is None:
            if signals.received is not None and not passed_on:
                process.send_signal(signals.received)
                passed_on = True
            meanwhile()
            time.sleep(TICK)
    if signals.received is not None:
        return 128 + signals.received
    return 128 - code if code < 0 else code
