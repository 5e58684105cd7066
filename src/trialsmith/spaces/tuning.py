"""A group's tuning settings: which files, which parts, how many trials, and where they are kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialsmith.errors import SearchError
from trialsmith.search.nearest import suggestion
from trialsmith.spaces.document import read_document
from trialsmith.spaces.mistakes import Mistakes

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


@dataclass(frozen=True)
class Tuning:
    """What a file of tuning settings says.

    Attributes:
        files: `base`, `space`, `deps` → its path, for those that are named.
        tune: the parts to tune; None: it has no switches.
        direction: `minimize`, `maximize`, or None.
        sweeper: settings of `hydra.sweeper`.
    """

    files: dict[str, Path]
    tune: list[str] | None
    direction: str | None
    sweeper: dict[str, Any]


NO_TUNING = Tuning({}, None, None, {})


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
    known = (*FILES, *COUNTS, *OTHERS, *UNUSED)
    given = document.value
    for name, node in document.content.items():
        if name in COUNTS and (type(node.content) is not int or node.content < 1):
            mistakes.add(node.place, f"{name}: {node.value} must be a whole number from 1 on")
        elif name in TEXTS and not isinstance(node.content, str | None):
            mistakes.add(node.place, f"{name}: {node.value} must be a text")
        elif name.startswith(SWITCH) and not isinstance(node.content, bool):
            mistakes.add(node.place, f"{name}: {node.value} must be true or false")
        elif name not in known and not name.startswith(SWITCH):
            mistakes.add(node.place, f"{name} is unknown{suggestion(name, known)}")
    mistakes.refuse("the tuning settings cannot be read")
    switches = {
        name.removeprefix(SWITCH): on for name, on in given.items() if name.startswith(SWITCH)
    }
    if switches and not any(switches.values()):
        raise SearchError(f"{file} tunes no part: set {SWITCH}{next(iter(switches))} to true")
    return Tuning(
        files={word: _path(given[name], file) for name, word in FILES.items() if given.get(name)},
        tune=[part for part, on in switches.items() if on] if switches else None,
        direction=given.get("direction"),
        sweeper=_sweeper(given),
    )


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
