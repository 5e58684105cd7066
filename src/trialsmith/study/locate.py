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
from trialsmith.search.storage import DATABASE, JOURNAL, open_storage, storage_file, storage_url
from trialsmith.study.formats import to_yaml
from trialsmith.study.writing import replace_text

FILES = {"journal": JOURNAL, "sqlite": DATABASE}  # by `hydra.sweeper.storage`
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
    return any((folder / name).is_file() for name in (*FILES.values(), ADDRESS)) or (
        next(_trial_settings(folder), None) is not None
    )


def note_storage(folder: Path, study_name: str, url: str) -> None:
    """Leave word in a study's folder of a storage elsewhere; user and password are left out."""
    text = to_yaml({"study_name": study_name, "storage": without_credentials(url)})
    replace_text(folder / ADDRESS, text)


def storage_of(folder: Path) -> str | None:
    """Where a folder has its study, as `hydra.sweeper.storage` says it; None: it has none yet.

    Raises:
        SearchError: it has one in several places.
    """
    kept = storages_of(folder)
    if len(kept) > 1:
        raise SearchError(
            f"{folder} has a study in {' and one in '.join(kept)}: say which is meant, a search by "
            f"hydra.sweeper.storage={kept[0]}, other commands by --storage {kept[0]}; or take the "
            "other out of the folder"
        )
    return kept[0] if kept else None


def storage_meant(folder: Path, study_name: str, asked: str | None) -> str:
    """`hydra.sweeper.storage` of a search: `asked`, else where the folder has its study.

    A study is never begun anew where the folder says that it is kept elsewhere.

    Raises:
        SearchError: it is kept elsewhere than asked, or what it is kept in is gone.
    """
    if asked is None:
        kept = storage_of(folder)
        if kept is None:
            return "journal"
        _address(folder, kept)
        return kept
    url = storage_url(full(asked), folder)
    # the address of a file that the folder would have anyway does not move along with the folder
    asked = next((name for name in FILES if storage_url(name, folder) == url), asked)
    kept_in = {storage: storage_url(storage, folder) for storage in storages_of(folder)}
    if without_credentials(url) in kept_in.values():
        _address(folder, url)
        return asked
    if not kept_in or has_study(url, study_name):
        return asked
    first = next(iter(kept_in))
    raise SearchError(
        f"hydra.sweeper.storage={asked}: {folder} has its study in {first}. Leave "
        f"hydra.sweeper.storage out to go on there; or move it, `trialsmith convert {folder} --to "
        f"{asked}`; or begin another one, hydra.sweeper.study_name=NAME"
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
    noted = _noted(folder) or ({} if storages_of(folder) else next(_trial_settings(folder), {}))
    name = str(noted.get("study_name") or folder.resolve().name)
    url = _address(folder, full(storage or storage_of(folder) or noted.get("storage")))
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


def storages_of(folder: Path) -> list[str]:
    """The storages that a folder has a study in, each once, as `hydra.sweeper.storage` has them."""
    kept = [name for name, file in FILES.items() if (folder / file).is_file()]
    noted = _noted(folder).get("storage")
    if noted and str(noted) not in {storage_url(name, folder) for name in kept}:
        kept.append(str(noted))
    return kept


def _noted(folder: Path) -> dict[str, Any]:
    return _yaml(folder / ADDRESS) if (folder / ADDRESS).is_file() else {}


def has_study(url: str, study_name: str) -> bool:
    """Whether a storage has the study; one that is not there is not made."""
    file = storage_file(url)
    there = file is None or file.is_file()
    return there and study_name in optuna.get_all_study_names(open_storage(url))


def _address(folder: Path, storage: str | None) -> str:
    """The URL of a storage that exists, as far as can be told without opening it."""
    if storage is None:
        raise SearchError(f"{folder} does not say where its storage is: name it with --storage URL")
    if "${" in storage:
        raise SearchError(f"{folder} has its storage as {storage}: name it with --storage URL")
    url = storage_url(storage, folder)
    file = storage_file(url)
    # opening a file that is not there would make an empty one
    if file is not None and not file.is_file():
        told = f", as {folder / ADDRESS} has it" if (folder / ADDRESS).is_file() else ""
        raise SearchError(f"the storage of {folder} is gone: there is no file {file}{told}")
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
