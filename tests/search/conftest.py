"""A tiny Hydra program without torch, and searches of it by the command line."""

import pytest
from search_program import App


@pytest.fixture
def app(tmp_path):
    program = App(tmp_path.resolve())
    yield program
    program.end()
