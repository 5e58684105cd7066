"""Whose turn it is, among the sweepers that share a study.

Sweepers of one host take turns by a lock on a file, those of several hosts by a lock in the
database that they share. Both are released by the kernel or the server when their holder dies.
Where there is no such lock (gRPC, a Redis journal), each sweeper looks again after it has begun a
trial; see `budget`.
"""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from filelock import AcquireReturnProxy, FileLock, Timeout

from trialsmith.errors import SearchError
from trialsmith.search.credentials import without_credentials
from trialsmith.search.outage import PATIENCE, waited_out
from trialsmith.search.signals import Interrupted, asked

SECONDS = 600  # that MySQL waits for its lock
PATIENT = 0.5  # seconds after which a sweeper that waits for its turn looks at signals


class Turns(AbstractContextManager["Turns"]):
    """While entered, no other sweeper of the study is.

    Args:
        file: that the sweepers of this host lock.
        url: of the storage, in full.
        study: the study's name.
    """

    def __init__(self, file: Path, url: str, study: str) -> None:
        self._file = FileLock(file)
        self._url = url
        self._key = study
        self._held = ExitStack()

    def __enter__(self) -> "Turns":
        with ExitStack() as stack:
            stack.enter_context(self._of_this_host())
            stack.enter_context(database_lock(self._url, self._key))
            self._held = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held.close()

    def _of_this_host(self) -> AcquireReturnProxy:
        """Its sweepers' lock, once it is free.

        Raises:
            Interrupted: the search was asked to stop in the meantime.
        """
        while True:
            try:
                return self._file.acquire(timeout=PATIENT)
            except Timeout:
                if (number := asked()) is not None:
                    raise Interrupted(number) from None


@contextmanager
def database_lock(url: str, key: str, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock `key` of the database at `url`, if it is one that has locks.

    Args:
        patience: seconds to wait for a server that is away.
    """
    statements = _statements(url)
    if statements is None:
        yield
        return
    acquire, release = statements
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big", signed=True)
    name = without_credentials(url)
    connection = waited_out(lambda: _locked(url, acquire, number), name, patience)
    try:
        yield
    finally:
        with suppress(Exception):  # a connection that broke has released its locks
            _execute(connection, release, number)
        connection.close()


def _statements(url: str) -> tuple[str, str] | None:
    """What takes and what releases a lock, in the words of the server.

    The first answers 1 once the lock is held.
    """
    server = url.partition("://")[0].partition("+")[0]
    if server == "postgresql":
        return "SELECT 1 FROM pg_advisory_lock(:key)", "SELECT pg_advisory_unlock(:key)"
    if server in ("mysql", "mariadb"):
        return f"SELECT GET_LOCK(:key, {SECONDS})", "SELECT RELEASE_LOCK(:key)"
    return None


def _locked(url: str, acquire: str, number: int) -> Any:
    connection = _engine(url).connect()
    try:
        answer = 0
        while answer == 0:  # MySQL's: it has waited so long in vain
            answer = _execute(connection, acquire, number)
        if answer != 1:  # MySQL's NULL: it has run out of memory, or its thread was ended
            raise SearchError(
                f"the storage {without_credentials(url)} answered {answer} when it was asked for a "
                "lock, by which sweepers take turns: its log may tell why. The same command goes on"
            )
    except BaseException:
        connection.close()
        raise
    return connection


def _execute(connection: Any, statement: str, number: int) -> Any:
    from sqlalchemy import text

    # MySQL's locks have names
    key = number if "pg_advisory" in statement else str(number)
    return connection.execute(text(statement), {"key": key}).scalar_one()


@lru_cache(maxsize=8)
def _engine(url: str) -> Any:
    """Connections for locks alone: a lock belongs to a connection, not to a transaction."""
    from sqlalchemy import create_engine

    return create_engine(url, isolation_level="AUTOCOMMIT", pool_size=1, pool_pre_ping=True)
