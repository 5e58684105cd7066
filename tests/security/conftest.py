"""The tiny Hydra program of the search's tests, to be attacked."""

import pytest
from search_program import App


@pytest.fixture
def app(tmp_path):
    program = App(tmp_path.resolve())
    yield program
    program.end()
