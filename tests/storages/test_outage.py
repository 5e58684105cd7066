"""Servers that go away, and secrets that do not get out."""

import logging
import os
import signal
from pathlib import Path

import optuna
import pytest
import sqlalchemy.event
import sqlalchemy.exc
from optuna.exceptions import StorageInternalError
from optuna.storages import InMemoryStorage

from trialsmith.errors import SearchError
from trialsmith.search import outage, turns
from trialsmith.search.credentials import STORAGE, full, redacted, without_credentials
from trialsmith.search.forwarding import Forwarding
from trialsmith.search.outage import lasting, waited_out
from trialsmith.search.signals import Interrupted, StopSignals, asked
from trialsmith.search.storage import open_storage, storage_url

SERVER = "postgresql+psycopg://127.0.0.1:5432/optuna"


def away() -> StorageInternalError:
    """What Optuna makes of a server that is shut down."""
    error = StorageInternalError("An exception is raised during the commit.")
    reason = Exception("server closed the connection\nsecond line")
    error.__cause__ = sqlalchemy.exc.OperationalError("SELECT 1", {}, reason)
    return error


class Flaky(InMemoryStorage):
    """Loses `failures` calls, before or after they were done."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        super().__init__()
        self.failures = failures
        self.error = error or away()

    def get_all_trials(self, *arguments, **named):
        if self.failures > 0:
            self.failures -= 1
            raise self.error
        return super().get_all_trials(*arguments, **named)


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr(outage, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(outage, "LONGEST_PAUSE", 0.001)


def test_every_call_of_a_storage_is_waited_for() -> None:
    public = {name for name in dir(optuna.storages.BaseStorage) if not name.startswith("_")}
    own = {name for name in vars(Forwarding) if not name.startswith("_")}
    assert own == public


def test_an_outage_is_waited_out_and_told_once(hasty, monkeypatch, caplog) -> None:
    monkeypatch.setattr(outage, "WORTH_SAYING", 0.0)
    study = optuna.create_study(storage=lasting(Flaky(20), "the server"))
    with caplog.at_level(logging.WARNING, "trialsmith"):
        assert study.trials == []
    said = [r.getMessage() for r in caplog.records if r.name.startswith("trialsmith")]
    assert said == [
        "the storage the server does not answer, waiting: server closed the connection",
        "the storage the server answers again, after 0 s",
    ]


def test_another_error_is_passed_on_at_once() -> None:
    storage = lasting(Flaky(1, KeyError("no such trial")), "the server")
    with pytest.raises(KeyError):
        storage.get_all_trials(0)


@pytest.mark.parametrize(
    "answer",
    [
        'FATAL:  password authentication failed for user "me"',
        "fe_sendauth: no password supplied",
        'FATAL:  database "stduy" does not exist',
        "(1045, \"Access denied for user 'me'@'localhost' (using password: YES)\")",
        "(1049, \"Unknown database 'stduy'\")",
    ],
)
def test_a_server_that_refuses_is_not_waited_for(answer: str) -> None:
    calls = []

    def call() -> None:
        calls.append(1)
        raise sqlalchemy.exc.OperationalError("SELECT 1", {}, Exception(answer))

    with pytest.raises(sqlalchemy.exc.OperationalError):
        waited_out(call, "the server")
    assert len(calls) == 1


def test_a_search_that_is_asked_to_stop_does_not_wait(monkeypatch) -> None:
    monkeypatch.setattr(outage, "FAREWELL", 0.1)

    def call() -> None:
        if not calls:
            os.kill(os.getpid(), signal.SIGTERM)
        calls.append(1)
        raise away()

    calls: list[int] = []
    with StopSignals(), pytest.raises(StorageInternalError):
        waited_out(call, "the server", patience=60.0)
    assert 1 < len(calls) < 10
    with StopSignals():  # the next search is not asked
        assert asked() is None


def test_a_search_that_is_asked_to_stop_does_not_wait_for_its_turn(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(turns, "PATIENT", 0.1)
    url = f"journal://{tmp_path}/study.journal"
    with turns.Turns(tmp_path / "lock", url, "s"), StopSignals():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted), turns.Turns(tmp_path / "lock", url, "s"):
            pass
    with StopSignals(), turns.Turns(tmp_path / "lock", url, "s"):
        pass


def test_patience_ends(hasty) -> None:
    def call() -> None:
        raise away()

    with pytest.raises(StorageInternalError):
        waited_out(call, "the server", patience=0.05)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://me:secret@127.0.0.1:5432/optuna", SERVER),
        ("postgresql+psycopg://me:se%40cret@127.0.0.1:5432/optuna", SERVER),
        ("postgresql+psycopg://me:se@secret/x@127.0.0.1:5432/optuna", SERVER),
        ("postgresql+psycopg://me:se?secret@127.0.0.1:5432/optuna", SERVER),
        ("postgresql+psycopg://127.0.0.1:5432/optuna?user=me&password=secret", SERVER),
        ("postgresql+psycopg://me:p@s?secret@127.0.0.1:5432/optuna", SERVER),
        ("postgresql+psycopg://127.0.0.1:5432/optuna?User=me&Password=p@secret", SERVER),
        ("redis://:secret@host:6379/0", "redis://host:6379/0"),
        (
            "mssql+pyodbc:///?odbc_connect=SERVER%3Dh%3BUID%3Dme%3BPWD%3D%7Bse%3Bcret%7D%3BA%3Db",
            "mssql+pyodbc:///?odbc_connect=SERVER%3Dh%3BA%3Db",
        ),
        (
            "mssql+pyodbc:///?odbc_connect=Pwd=secret;SERVER=h",
            "mssql+pyodbc:///?odbc_connect=SERVER%3Dh",
        ),
        (
            "mysql+pymysql://me:secret@host/name?charset=utf8",
            "mysql+pymysql://host/name?charset=utf8",
        ),
        ("sqlite:////home/a@b/study.db", "sqlite:////home/a@b/study.db"),
        ("journal:///home/a@b/study.journal", "journal:///home/a@b/study.journal"),
        ("grpc://host:13000", "grpc://host:13000"),
    ],
)
def test_an_address_without_its_secrets(url: str, shown: str, monkeypatch) -> None:
    assert without_credentials(url) == shown
    assert without_credentials(shown) == shown
    monkeypatch.setenv(STORAGE, url)
    assert full(shown) == url
    assert full("sqlite:///other.db") == "sqlite:///other.db"


def test_a_drivers_message_is_told_without_the_password() -> None:
    url = "postgresql+psycopg://me:s%2Fecret@host/optuna?sslpassword=other"
    told = redacted(f"{url} is no URL: neither s/ecret nor s%2Fecret nor other fits", url)
    assert told == "postgresql+psycopg://host/optuna is no URL: neither *** nor *** nor *** fits"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://me:s%2Fecret@host/optuna",
        "postgresql+psycopg://host/optuna?user=me&Password=s/ecret",
        "mssql+pyodbc:///?odbc_connect=UID%3Dme%3BPWD%3D%7Bs%2Fecret%7D",
    ],
)
def test_a_drivers_message_is_told_without_the_user(url: str) -> None:
    message = 'password authentication failed for user "me" with s/ecret, some time'
    told = redacted(message, url)
    assert told == 'password authentication failed for user "***" with ***, some time'


def test_mysqls_lock_is_waited_for_and_an_error_is_no_lock(monkeypatch) -> None:
    answers: list[int | None] = [0, 0, 1]
    engine = sqlalchemy.create_engine("sqlite://")

    @sqlalchemy.event.listens_for(engine, "connect")
    def define(connection, record) -> None:
        connection.create_function("GET_LOCK", 2, lambda name, seconds: answers.pop(0))
        connection.create_function("RELEASE_LOCK", 1, lambda name: 1)

    monkeypatch.setattr(turns, "_engine", lambda url: engine)
    url = "mysql+pymysql://me:secret@host/optuna"
    with turns.database_lock(url, "study"):
        assert answers == []
    answers += [0, None]
    with (
        pytest.raises(SearchError, match=r"mysql\+pymysql://host/optuna answered None"),
        turns.database_lock(url, "study"),
    ):
        pass
    assert answers == []
    engine.dispose()


@pytest.mark.parametrize("torn", [b'{"op_code": 4, "worke', b"\x00\x00\x00"])
def test_half_a_line_is_cut_from_a_journal_when_it_is_opened_and_kept(
    tmp_path: Path, torn: bytes, caplog
) -> None:
    url = storage_url("journal", tmp_path)
    open_storage.cache_clear()
    study = optuna.create_study(study_name="s", storage=open_storage(url))
    study.add_trial(optuna.trial.create_trial(value=1.0))
    path = tmp_path / "study.journal"
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    open_storage.cache_clear()
    with caplog.at_level(logging.WARNING, "trialsmith"):
        study = optuna.load_study(study_name="s", storage=open_storage(url))
    assert path.read_bytes() == whole
    assert (tmp_path / "study.journal.torn").read_bytes() == torn + b"\n"
    assert f"its {len(torn)} bytes are kept" in caplog.text
    assert [trial.value for trial in study.trials] == [1.0]
    study.add_trial(optuna.trial.create_trial(value=2.0))  # and it can be written again
    open_storage.cache_clear()
    again = optuna.load_study(study_name="s", storage=open_storage(url))
    assert [trial.value for trial in again.trials] == [1.0, 2.0]
