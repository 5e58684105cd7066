"""Moves a study to another storage: to a server when several machines share it, or back."""

import logging
import time
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.exceptions import DuplicatedStudyError

from trialsmith.errors import SearchError
from trialsmith.search.credentials import full, without_credentials
from trialsmith.search.opening import LOCK, refuse_if_at_work
from trialsmith.search.storage import open_storage, storage_url
from trialsmith.study.locate import ADDRESS, FILES, note_storage

log = logging.getLogger(__name__)


def move(study: optuna.Study, folder: Path, to: str) -> str:
    """Copy `study` to the storage `to`, and have its folder say that it is there now.

    Every trial keeps its number, also those that failed or wait. The old storage is kept: a file in
    the folder under a name with the time, a server's as it is.

    Args:
        folder: of the study.
        to: what `hydra.sweeper.storage` may be.

    Returns: the new storage's address, without credentials.

    Raises:
        SearchError: somebody works on the study, or the storage has one of that name already.
    """
    new = storage_url(full(to), folder)
    # a file of the folder by its whole address
    to = next((name for name in FILES if storage_url(name, folder) == new), to)
    if to in FILES and (folder / FILES[to]).exists():
        raise SearchError(f"{folder} has its study in {FILES[to]} already")
    with FileLock(folder / LOCK):  # no sweeper of this host begins a trial on the way
        refuse_if_at_work(study)
        _copy(study, new)
        _note(folder, study.study_name, to, new)
    return without_credentials(new)


def _copy(study: optuna.Study, url: str) -> None:
    target = open_storage(url)
    try:
        optuna.copy_study(
            from_study_name=study.study_name, from_storage=study._storage, to_storage=target
        )
    except DuplicatedStudyError:
        raise SearchError(
            f"{without_credentials(url)} has a study {study.study_name} already: name another "
            "storage, or delete it with `optuna delete-study --study-name "
            f"{study.study_name} --storage URL`"
        ) from None
    except BaseException:
        _withdraw(target, study.study_name)
        raise


def _withdraw(storage: optuna.storages.BaseStorage, name: str) -> None:
    """Leave no half of a study behind."""
    if name in optuna.get_all_study_names(storage):
        optuna.delete_study(study_name=name, storage=storage)


def _note(folder: Path, name: str, to: str, url: str) -> None:
    moment = time.strftime("%Y%m%d-%H%M%S")
    if to not in FILES:
        note_storage(folder, name, url)
    for file in (*FILES.values(), ADDRESS):
        is_new = file == FILES.get(to, ADDRESS)
        if not is_new and (folder / file).exists():
            (folder / file).rename(folder / f"{file}.{moment}")
            log.info("the old %s is kept as %s.%s", file, file, moment)
