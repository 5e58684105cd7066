"""Notes between a sweep and a worker elsewhere, as files in a folder that both can see.

Each note has one writer, who replaces it whole, so that a reader finds an old or a new one and
never half of one.
"""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

CLOSED = "closed"  # by the sweep: this worker is wanted no more
JOB = "job"  # by the sweep: a trial to run
END = "end"  # by the sweep: end the process of that trial
ENDED = "ended"  # by the worker: how the trial ended
PULSE = "pulse"  # by either, in a folder of its own: who it is, and that it lives

BEAT = 2.0  # seconds between two beats of a pulse
LOST = 60.0  # seconds without a beat after which somebody counts as dead; NFS may show one late
PAUSE = 5.0  # seconds between two looks; for any longer it is the reader who was away


class Mailbox:
    """The folder of the notes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, note: Mapping[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".{name}.{os.getpid()}"
        draft.write_text(json.dumps(note))
        os.replace(draft, self.folder / name)

    def read(self, name: str) -> dict[str, Any] | None:
        """The note, None where there is none."""
        try:
            note: dict[str, Any] = json.loads((self.folder / name).read_text())
        except (FileNotFoundError, json.JSONDecodeError, OSError):
            return None
        return note


class Pulse:
    """What somebody's beats say, counted by the reader's own clock.

    Args:
        box: in which the beats arrive.
    """

    def __init__(self, box: Mailbox) -> None:
        self._box = box
        self._last: dict[str, Any] | None = None
        self._heard = self._felt = time.monotonic()

    def feel(self) -> dict[str, Any] | None:
        """The last beat, None before the first."""
        beat, now = self._box.read(PULSE), time.monotonic()
        # stopped, or the machine was suspended: both may have been
        self._heard += max(0.0, now - self._felt - PAUSE)
        self._felt = now
        if beat is not None and beat != self._last:
            self._last, self._heard = beat, now
        return self._last

    @property
    def silence(self) -> float:
        """Seconds of listening since a beat was last heard."""
        return time.monotonic() - self._heard
