"""Where a study is kept, whoever asks and wherever he stands."""

from pathlib import Path

import pytest

from trialsmith.errors import SearchError
from trialsmith.search.storage import open_storage, storage_url

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
        ("sqlite:///file:a.db?uri=true", "sqlite:///file:/home/a.db?uri=true"),
        ("sqlite:///file:/a.db?uri=true", "sqlite:///file:/a.db?uri=true"),
        ("mysql+pymysql://me@host/name", "mysql+pymysql://me@host/name"),
        ("grpc://host:13000", "grpc://host:13000"),
    ],
)
def test_an_address_is_the_same_from_every_folder(storage, url, tmp_path, monkeypatch):
    home = Path("/home")
    monkeypatch.chdir(tmp_path)  # as a job may do
    assert storage_url(storage, home / FOLDER, home) == url
    assert storage_url(url, home / FOLDER) == url


def test_the_folder_of_a_database_is_made_wherever_its_address_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    url = storage_url("sqlite:///file:new/a.db?uri=true", FOLDER, tmp_path / "home")
    open_storage(url)
    assert [path.name for path in tmp_path.rglob("*.db")] == ["a.db"]
    assert (tmp_path / "home" / "new" / "a.db").is_file()


@pytest.mark.parametrize(
    "storage",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file::memory:?uri=true",
        "sqlite:///file:a?mode=memory&uri=true",
    ],
)
def test_a_database_that_only_one_process_sees_is_refused(storage):
    with pytest.raises(SearchError, match="in memory"):
        storage_url(storage, FOLDER)
