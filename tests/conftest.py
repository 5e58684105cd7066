"""Shapes in signatures are checked while the tests run; real data are used where at hand."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("DGLBACKEND", "pytorch")
# Tests run on every core at once: threads of theirs would wait for each other most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import jaxtyping
from jaxtyping import config as jaxtyping_config
from jaxtyping import jaxtyped


def checked_once(typechecker: Any) -> Callable[[Any], Any]:
    """`jaxtyped` but for functions within functions, which it would compile anew at every call."""
    decorator = jaxtyped(typechecker=typechecker)
    return lambda made: made if "<locals>" in made.__qualname__ else decorator(made)


# Before the first import of trialsmith: every annotated shape is then enforced.
jaxtyping.jaxtyped = checked_once
jaxtyping.install_import_hook("trialsmith", "beartype.beartype")

import pytest
from hypothesis import settings
from search_program import App

# No test is timed: a loaded machine would fail it.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--faults", action="store_true", help="every fault, not the short form alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # a group is one worker's: begun at last, it would be what the others wait for
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)
    if not config.getoption("--faults"):
        skip = pytest.mark.skip(reason="one of the many faults of `make faults`")
        for item in items:
            if item.get_closest_marker("fault"):
                item.add_marker(skip)


@pytest.fixture
def as_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """No annotation is enforced: what a user gives may be of any type, and the program says so."""
    monkeypatch.setattr(jaxtyping_config, "jaxtyping_disable", True)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """A tiny Hydra program without torch, and searches of it by the command line."""
    program = App(tmp_path.resolve())
    yield program
    program.end()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real data that stand beside the repository on the developers' machines and in CI."""
    folder = Path(os.environ.get("TRIALSMITH_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"real data are not at hand: {folder}/data is missing")
    return folder
