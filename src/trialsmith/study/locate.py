"""From a study's name or folder to the study."""

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import yaml

from trialsmith import yaml12
from trialsmith.errors import SearchError
from trialsmith.search.credentials import full, redacted, without_credentials
from trialsmith.search.storage import DATABASE, JOURNAL, open_storage, storage_url
from trialsmith.study.formats import to_yaml
from trialsmith.study.writing import replace_text

ADDRESS = "storage.yaml"  # in the folder of a study whose storage is elsewhere


def find_folder(study: str, root: Path = Path("multirun")) -> Path:
    """The folder of `study`, which is a path or the name of a folder under `root`.

    Raises:
        SearchError: there is no such study; names the nearest ones.
    """
    for folder in (Path(study), root / study):
        if folder.is_dir() and is_study(folder):
            return folder
    known = sorted(path.name for path in root.iterdir() if is_study(path)) if root.is_dir() else []
    if not known:
        raise SearchError(f"no study {study!r}: neither a study's folder nor one under {root}/")
    near = difflib.get_close_matches(Path(study).name, known, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known[:20])}"
    raise SearchError(f"no study {study!r} under {root}/; {hint}")


def is_study(folder: Path) -> bool:
    """Whether `folder` holds a study or says where its storage is."""
    return any((folder / name).is_file() for name in (JOURNAL, DATABASE, ADDRESS)) or (
        next(_trial_settings(folder), None) is not None
    )


def note_storage(folder: Path, study_name: str, url: str) -> None:
    """Leave word in a study's folder of a storage elsewhere; user and password are left out."""
    text = to_yaml({"study_name": study_name, "storage": without_credentials(url)})
    replace_text(folder / ADDRESS, text)


def refuse_if_moved(folder: Path, file: str) -> None:
    """Not to begin a study anew in `file` where its folder says that it is kept elsewhere.

    Raises:
        SearchError: it says so; names where.
    """
    if (folder / file).exists() or not (folder / ADDRESS).is_file():
        return
    elsewhere = _yaml(folder / ADDRESS).get("storage")
    raise SearchError(
        f"{folder} has its study in {elsewhere}: add hydra.sweeper.storage={elsewhere}, with user "
        f"and password where it needs them; or `trialsmith convert {folder} --to journal` moves it "
        f"back; or name another study. Without {folder / ADDRESS} a new one begins there"
    )


def open_study(folder: Path, storage: str | None = None) -> optuna.Study:
    """The study of `folder`, to be read.

    Args:
        folder: as `find_folder` gives it.
        storage: what `hydra.sweeper.storage` may be, before what the folder says: for a database
            with a password, which no file of ours holds.

    Raises:
        SearchError: the storage is missing, cannot be read, or has no study of that name.
    """
    name, recorded = _recorded(folder)
    url = _address(folder, full(storage or recorded))
    try:
        backend = open_storage(url)
        names = optuna.get_all_study_names(backend)
        chosen = name if name in names else names[0] if len(names) == 1 else None
        if chosen is not None:
            sampler = optuna.samplers.RandomSampler()
            return optuna.load_study(study_name=chosen, storage=backend, sampler=sampler)
    except Exception as error:  # every database driver has errors of its own
        reason = redacted(str(error), url)
        raise SearchError(
            f"the storage {without_credentials(url)} of {folder} cannot be read: {reason}"
        ) from error
    found = f"it has: {', '.join(sorted(names)[:20])}" if names else "it is empty"
    raise SearchError(f"the storage of {folder} has no study {name!r}; {found}")


def _recorded(folder: Path) -> tuple[str, str | None]:
    """The study's name and `hydra.sweeper.storage` as its folder has them."""
    own = folder.resolve().name
    if (folder / JOURNAL).is_file():
        return own, "journal"
    if (folder / DATABASE).is_file():
        return own, "sqlite"
    if (folder / ADDRESS).is_file():
        noted = _yaml(folder / ADDRESS)
    else:
        noted = next(_trial_settings(folder), {})
    return str(noted.get("study_name") or own), noted.get("storage")


def _address(folder: Path, storage: str | None) -> str:
    """The URL of a storage that exists, as far as can be told without opening it."""
    if storage is None:
        raise SearchError(f"{folder} does not say where its storage is: name it with --storage URL")
    if "${" in storage:
        raise SearchError(f"{folder} has its storage as {storage}: name it with --storage URL")
    url = storage_url(storage, folder)
    scheme, _, place = url.partition("://")
    file = Path(place.removeprefix("/") if scheme == "sqlite" else place)
    # opening a file that is not there would make an empty one
    if scheme in ("journal", "sqlite") and not file.is_file():
        raise SearchError(f"the storage of {folder} is gone: there is no file {file}")
    return url


def _trial_settings(folder: Path) -> Iterator[dict[str, Any]]:
    """`hydra.sweeper` of the study's trials that name a storage, the newest trial first."""
    for path in sorted(folder.glob("*/*/*/.hydra/hydra.yaml"), reverse=True):
        sweeper = _yaml(path).get("hydra", {}).get("sweeper") or {}
        if sweeper.get("storage"):
            yield sweeper


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml12.load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise SearchError(f"{path} is not YAML: {error}") from error
    return content if isinstance(content, dict) else {}
