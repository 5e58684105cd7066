"""Signals that ask to stop, as a word to the loop instead of an exception at any line of it."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _heeded() -> list[signal.Signals]:
    """The signals that end this process; `nohup` asks not to be ended by SIGHUP."""
    is_nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [number for number in SIGNALS if not (is_nohup and number is signal.SIGHUP)]


_asked: int | None = None  # signals are the process's


def _note_asked(number: int | None) -> None:
    global _asked
    _asked = number


class Interrupted(BaseException):
    """The sweep was asked to stop by a signal; `exit_code` is what the shell expects."""

    def __init__(self, signal: int) -> None:
        super().__init__(f"stopped by signal {signal}")
        self.exit_code = 128 + signal


def asked() -> int | None:
    """The signal by which this process was asked to stop its search; None: it was not.

    Whatever could wait for long, for a server or for another sweeper, then does not.
    """
    return _asked


class StopSignals:
    """While entered, `received` is the number of the first signal that asked to stop, else None.

    The second one acts as it always does, so that an impatient user is heard.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "StopSignals":
        _note_asked(None)
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _heeded()}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        _note_asked(number)
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
