"""Programs that end without a score."""

import signal
from collections.abc import Iterable
from pathlib import Path

from trialsmith.command.output import last_lines
from trialsmith.errors import TrialsmithError


class CommandFailed(TrialsmithError):
    """The program ended badly, or printed nothing that its metric can be read from."""


def refuse_failure(exit_code: int | None, told: str) -> None:
    """Raise what an exit code other than 0 means, followed by `told`.

    Raises:
        MemoryError: it was killed by SIGKILL, which is what the kernel sends for lack of memory.
        CommandFailed: it ended badly in another way.
    """
    if exit_code == 0:
        return
    if exit_code is None:
        raise CommandFailed(f"what watches over the program was killed{told}")
    if exit_code == -signal.SIGKILL:
        raise MemoryError(f"the program was killed by SIGKILL, perhaps for lack of memory{told}")
    if exit_code < 0:
        raise CommandFailed(f"the program was killed by {signal.Signals(-exit_code).name}{told}")
    raise CommandFailed(f"the program ended with exit code {exit_code}{told}")


def last_words(outputs: Iterable[Path]) -> str:
    """The last lines of what the program printed, to end a message with."""
    parts = [
        f"\nthe end of {path}:\n  " + "\n  ".join(lines)
        for path in outputs
        if (lines := last_lines(path))
    ]
    return "".join(parts) or "; it printed nothing"
