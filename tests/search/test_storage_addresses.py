"""Where a study is kept, whoever asks and wherever he stands."""

from pathlib import Path

import pytest

from trialsmith.errors import SearchError
from trialsmith.search.storage import storage_url

FOLDER = Path("multirun", "s")


@pytest.mark.parametrize(
    ("storage", "url"),
    [
        ("journal", "journal:///home/multirun/s/study.journal"),
        ("sqlite", "sqlite:////home/multirun/s/study.db"),
        ("journal://a/b.journal", "journal:///home/a/b.journal"),
        ("journal:///a/b.journal", "journal:///a/b.journal"),
        ("sqlite:///a.db", "sqlite:////home/a.db"),
        ("sqlite:////a.db", "sqlite:////a.db"),
        ("sqlite+pysqlite:///a.db?timeout=5", "sqlite+pysqlite:////home/a.db?timeout=5"),
        ("mysql+pymysql://me@host/name", "mysql+pymysql://me@host/name"),
        ("grpc://host:13000", "grpc://host:13000"),
    ],
)
def test_an_address_is_the_same_from_every_folder(storage, url, tmp_path, monkeypatch):
    home = Path("/home")
    monkeypatch.chdir(tmp_path)  # as a job may do
    assert storage_url(storage, home / FOLDER, home) == url
    assert storage_url(url, home / FOLDER) == url


@pytest.mark.parametrize("storage", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_that_only_one_process_sees_is_refused(storage):
    with pytest.raises(SearchError, match="in memory"):
        storage_url(storage, FOLDER)
