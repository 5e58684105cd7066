"""Where a study is kept: a journal file by default, SQLite, or any address that Optuna knows.

A journal is a file of JSON lines that several processes append to. Two things can spoil it, and
both are met in crashes: a process that dies while it holds the lock, and a last line that is only
half written. So the lock here is one that the kernel releases when its holder dies (Optuna's own
waits for 30 seconds), and a torn line is moved aside before the next one is appended.

A storage with a server is waited for while the server is away; see `outage`.
"""

import logging
import os
import random
import time
import warnings
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.exceptions import ExperimentalWarning
from optuna.storages.journal import JournalRedisBackend, JournalStorage
from optuna.storages.journal._file import BaseJournalFileLock

from trialsmith.errors import SearchError
from trialsmith.search.credentials import redacted, without_credentials
from trialsmith.search.journal import Journal
from trialsmith.search.outage import lasting, waited_out
from trialsmith.search.turns import database_lock

log = logging.getLogger(__name__)

JOURNAL = "study.journal"
DATABASE = "study.db"


def storage_url(storage: str | None, folder: Path, start: Path | None = None) -> str:
    """The full address that `journal`, `sqlite` or any URL stands for in a study's folder.

    Args:
        start: the folder that relative paths in a URL begin at, for a job may work in its own;
            None: the working folder.

    Raises:
        SearchError: it is none of them, or a database that no other process can see.
    """
    folder = folder.absolute()
    if storage in (None, "journal"):
        return f"journal://{folder / JOURNAL}"
    if storage == "sqlite":
        return f"sqlite:///{folder / DATABASE}"
    if "://" not in str(storage):
        raise SearchError(
            f"hydra.sweeper.storage={storage} is neither journal, sqlite nor a URL such as "
            "sqlite:///study.db, journal:///data/study.journal or postgresql+psycopg://host/name"
        )
    scheme, _, rest = str(storage).partition("://")
    start = (start or Path()).absolute()
    if scheme == "journal":
        return f"journal://{start / rest}"
    if scheme.partition("+")[0] == "sqlite":
        return f"{scheme}:///{_sqlite_path(rest.removeprefix('/'), start)}"
    return str(storage)


def _sqlite_path(rest: str, start: Path) -> str:
    path, mark, options = rest.partition("?")
    scheme = "file:" if path.startswith("file:") else ""
    path = path.removeprefix(scheme)
    if path in ("", ":memory:") or "mode=memory" in options:
        raise SearchError(
            "hydra.sweeper.storage: a database in memory is seen by one process only, and each "
            "trial has its own: use journal or sqlite"
        )
    return f"{scheme}{start / path}{mark}{options}"


def storage_file(url: str) -> Path | None:
    """The file that the storage of a full address is; None: it is no file."""
    scheme, _, place = url.partition("://")
    if scheme == "journal":
        return Path(place)
    if scheme.partition("+")[0] != "sqlite":
        return None
    return Path(place.removeprefix("/").removeprefix("file:").partition("?")[0])


@lru_cache(maxsize=8)
def open_storage(url: str, patience: float = 0.0) -> optuna.storages.BaseStorage:
    """The storage at `url`, one object a process: its first load is what costs.

    Args:
        patience: seconds to wait for a server that is away; a search that begins has none.

    Raises:
        SearchError: the address cannot be opened.
    """
    name = without_credentials(url)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # Optuna's, of Redis and gRPC
            return waited_out(lambda: _opened(url, name), name, patience)
    except Exception as error:
        kind = "" if isinstance(error, SearchError) else f"{type(error).__name__}: "
        reason = redacted(f"{kind}{error}", url)
        # its driver's own traceback would hold the address
        raise SearchError(f"hydra.sweeper.storage={name} cannot be opened: {reason}") from None


def _opened(url: str, name: str) -> optuna.storages.BaseStorage:
    scheme, _, rest = url.partition("://")
    if scheme == "journal":
        return _journal(Path(rest))
    if scheme == "grpc":
        host, _, port = rest.partition(":")
        proxy = optuna.storages.GrpcStorageProxy(host=host, port=int(port or 13000))
        return lasting(proxy, name)
    if scheme in ("redis", "rediss", "unix"):
        return lasting(JournalStorage(JournalRedisBackend(url)), name)
    if scheme.startswith("sqlite"):
        if (file := storage_file(url)) is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
        # SQLite has one writer at a time: the others wait
        return retried(lambda: _database(url, {"connect_args": {"timeout": 100}}))
    # the tables of a fresh database are made once
    with database_lock(url, "optuna", patience=0.0):
        return lasting(retried(lambda: _database(url)), name)


def _journal(path: Path) -> Journal:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = HealingLock(path)
    if path.exists() and not _ends_whole(path):  # what a crash has left is mended before it is read
        with suppress(OSError):  # on a full disk it can be read all the same
            lock.acquire()
            lock.release()
    return Journal(path, lock)


def _database(url: str, options: dict[str, Any] | None = None) -> optuna.storages.BaseStorage:
    """The study's tables; read by Optuna alone where they are other than those known here."""
    # only here: SQLAlchemy is slow to import
    from optuna.storages._rdb.models import SCHEMA_VERSION

    from trialsmith.search import database

    backend = optuna.storages.RDBStorage(url, engine_kwargs=options)
    if SCHEMA_VERSION == database.SCHEMA:
        return database.Database(backend)
    return optuna.storages.get_storage(backend)


def retried(action: Any, attempts: int = 5) -> Any:
    """`action()`, again after a while: processes that create one database at once collide."""
    for attempt in range(attempts):
        try:
            return action()
        except Exception:
            if attempt == attempts - 1:
                raise
            time.sleep(random.uniform(0.1, 0.5) * 2**attempt)
    return None


class HealingLock(BaseJournalFileLock):
    """The lock of a journal: released when its holder dies, and mending what the death left.

    A line without an end is what a crash left of a write. Whoever gets the lock next cuts it off,
    into `<journal>.torn`, before appending behind it.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        # not Optuna's `.lock`, which programs with Optuna's own lock would break by force
        self._lock = FileLock(f"{journal}.flock")

    def acquire(self) -> bool:
        self._lock.acquire()
        try:
            if not _ends_whole(self._journal):
                _cut_torn_line(self._journal)
        except BaseException:  # a full disk, say: others must not wait for this process
            self._lock.release()
            raise
        return True

    def release(self) -> None:
        self._lock.release()


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return True
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _cut_torn_line(path: Path) -> None:
    with path.open("rb+") as file:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        kept = path.with_name(f"{path.name}.torn")
        with kept.open("ab") as aside:
            aside.write(content[whole:] + b"\n")
        file.truncate(whole)
    log.warning(
        "%s ended in half a line, which a crash has left: its %d bytes are kept in %s",
        *(path, len(content) - whole, kept),
    )
