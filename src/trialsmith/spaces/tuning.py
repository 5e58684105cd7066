"""A group's tuning settings: which files, which parts, how many trials, and where they are kept."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialsmith.errors import SearchError
from trialsmith.search.nearest import suggestion
from trialsmith.spaces.document import Node, read_document
from trialsmith.spaces.mistakes import Mistakes, Place
from trialsmith.spaces.writing import flow

FILES = {
    "base_settings_path": "base",
    "search_space_path": "space",
    "dependency_mapping_path": "deps",
}
COUNTS = ("n_trials", "n_iterations", "n_jobs", "n_processes")
OTHERS = ("study_name", "storage", "direction", "timeout")
TEXTS = (*FILES, "study_name", "storage", "direction")
UNUSED = ("built_search_space_path", "best_trial_path", "best_param_path")
SWITCH = "tune_"
DIRECTIONS = ("minimize", "maximize")


@dataclass(frozen=True)
class Tuning:
    """What a file of tuning settings says.

    Attributes:
        files: `base`, `space`, `deps` → its path, for those that are named.
        tune: the parts to tune; None: it has no switches.
        switches: part → where the switch for it stands.
        direction: `minimize`, `maximize`, or None.
        sweeper: settings of `hydra.sweeper`.
    """

    files: dict[str, Path]
    tune: list[str] | None
    switches: dict[str, Place]
    direction: str | None
    sweeper: dict[str, Any]


NO_TUNING = Tuning({}, None, {}, None, {})


def read_tuning(file: Path) -> Tuning:
    """The tuning settings in `file`; paths in it begin here, or else beside it.

    Every process runs `n_trials` in each of `n_iterations` there; here they are the trials of the
    study, which all processes share.

    Raises:
        SearchError: names everything that is wrong.
    """
    mistakes = Mistakes()
    document = read_document(file, mistakes)
    mistakes.refuse("the tuning settings cannot be read")
    assert document is not None
    given = document.value
    for name, node in document.content.items():
        if problem := _problem(name, node):
            mistakes.add(node.place, problem)
    mistakes.refuse("the tuning settings cannot be read")
    switches = {
        name.removeprefix(SWITCH): on for name, on in given.items() if name.startswith(SWITCH)
    }
    if switches and not any(switches.values()):
        raise SearchError(f"{file} tunes no part: set {SWITCH}{next(iter(switches))} to true")
    return Tuning(
        files={word: _path(given[name], file) for name, word in FILES.items() if given.get(name)},
        tune=[part for part, on in switches.items() if on] if switches else None,
        switches={part: document.content[f"{SWITCH}{part}"].place for part in switches},
        direction=given.get("direction"),
        sweeper=_sweeper(given),
    )


def _problem(name: str, node: Node) -> str:
    """What is wrong with a setting; "" where nothing is."""
    value, known = node.content, (*FILES, *COUNTS, *OTHERS, *UNUSED)
    rule = ""
    if name in COUNTS and (type(value) is not int or value < 1):
        rule = "a whole number from 1 on"
    elif name in TEXTS and not isinstance(value, str | None):
        rule = "a text"
    elif name == "direction" and value not in (*DIRECTIONS, None):
        rule = " or ".join(DIRECTIONS)
    elif name == "timeout" and not _is_timeout(value):
        rule = "seconds, a number above 0, or null for none"
    elif name.startswith(SWITCH) and not isinstance(value, bool):
        rule = "true or false"
    elif name not in known and not name.startswith(SWITCH):
        return f"{name} is unknown{suggestion(name, known)}"
    return f"{name}: {flow(node.value)} must be {rule}" if rule else ""


def _is_timeout(value: Any) -> bool:
    if value is None:
        return True
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value < math.inf


def _sweeper(given: dict[str, Any]) -> dict[str, Any]:
    settings = {name: given[name] for name in ("study_name", "timeout") if given.get(name)}
    for setting, times in (("n_trials", "n_iterations"), ("n_jobs", "n_processes")):
        if setting in given or times in given:
            settings[setting] = given.get(setting, 1) * given.get(times, 1)
    storage = given.get("storage")  # null: in memory, which only one process could see
    if storage:
        kind = "sqlite:///" if storage.endswith(".db") else "journal://"
        settings["storage"] = storage if "://" in storage else f"{kind}{storage}"
    return settings


def _path(name: str, file: Path) -> Path:
    beside = file.parent / name
    return beside if beside.is_file() and not Path(name).is_file() else Path(name)
