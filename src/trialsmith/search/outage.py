"""A storage that is waited for while its server is away.

A server that is restarted in the middle of a search costs the time that it takes, and nothing
else: every call is made again until it is answered. A call whose answer was lost on the way may
so be made twice; the sweep's own repair (`recovery`) finds the trial that this may leave behind.
"""

import logging
import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from trialsmith.errors import causes
from trialsmith.search.by_step import ByRung, ByStep
from trialsmith.search.forwarding import Forwarding
from trialsmith.search.signals import asked

log = logging.getLogger(__name__)

PATIENCE = 3600.0  # seconds without an answer after which the error is passed on
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0  # seconds between two attempts
WORTH_SAYING = 1.0  # seconds of silence
FAREWELL = 1.0  # seconds that are waited where the search was asked to stop


def waited_out(call: Callable[[], Any], name: str, patience: float = PATIENCE) -> Any:
    """`call()`, again and again while it meets an outage, for `patience` seconds.

    Args:
        name: of the storage, without credentials.
    """
    begun, pause, said = time.monotonic(), FIRST_PAUSE, False
    while True:
        try:
            answer = call()
        except Exception as error:
            reason = outage(error)
            silence = time.monotonic() - begun
            if reason is None or silence >= (patience if asked() is None else FAREWELL):
                raise
            if not said and silence >= WORTH_SAYING:
                said = True
                log.warning("the storage %s does not answer, waiting: %s", name, reason)
            _rest(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            if said:
                log.warning(
                    "the storage %s answers again, after %.0f s", name, time.monotonic() - begun
                )
            return answer


def _rest(seconds: float) -> None:
    """Sleep, but not on when the search is asked to stop."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        time.sleep(min(left, FIRST_PAUSE))
        if asked() is not None:
            return


def outage(error: BaseException) -> str | None:
    """What of `error` says that the server is away or has no time, None if it is another error."""
    return next((_line(cause) for cause in causes(error) if _is_outage(cause)), None)


# the last one follows on a connection that broke inside a transaction
_SQLALCHEMY = ("OperationalError", "InterfaceError", "PendingRollbackError")


# what a server answers that is there, and refuses: waiting does not change its mind
_REFUSALS = re.compile(
    "authentication failed|no password supplied|access denied|unknown database"
    '|(database|role) ".*" does not exist|no pg_hba.conf entry',
    re.IGNORECASE,
)


def _is_outage(error: BaseException) -> bool:
    # by name: the drivers are imported only where they are used
    kind = type(error)
    module = kind.__module__.partition(".")[0]
    if module == "sqlalchemy":
        if _REFUSALS.search(str(getattr(error, "orig", None) or "")):
            return False
        broken = getattr(error, "connection_invalidated", False)
        return bool(broken) or kind.__name__ in _SQLALCHEMY
    if module == "redis":
        return kind.__name__ in ("ConnectionError", "TimeoutError", "BusyLoadingError")
    if module == "grpc":
        code = getattr(error, "code", None)
        return callable(code) and code().name == "UNAVAILABLE"
    return False


def _line(error: BaseException) -> str:
    """The first line of the message, which names the server and never the password."""
    details = getattr(error, "details", None)  # gRPC's
    told = details() if callable(details) else getattr(error, "orig", None) or error
    text = str(told).strip()
    return text.splitlines()[0] if text else type(error).__name__


def lasting(inner: BaseStorage, name: str) -> BaseStorage:
    """`inner`, with every call waited for.

    Args:
        name: what messages call it.
    """
    if isinstance(inner, ByStep):
        return _LastingDatabase(inner, name)  # type: ignore[abstract]
    return _Lasting(inner, name)  # type: ignore[abstract]


class _Lasting(Forwarding):
    def __init__(self, inner: BaseStorage, name: str) -> None:
        super().__init__(inner)
        self.name = name

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        # every method of a storage may meet an outage
        return waited_out(lambda: getattr(self.inner, name)(*args, **kwargs), self.name)


class _LastingDatabase(_Lasting, ByStep, ByRung):
    def completed_at(self, study_id: int, step: int) -> tuple[int, np.ndarray]:
        found: tuple[int, np.ndarray] = self._call("completed_at", study_id, step)
        return found

    def rungs(self, study_id: int) -> list[FrozenTrial]:
        found: list[FrozenTrial] = self._call("rungs", study_id)
        return found
