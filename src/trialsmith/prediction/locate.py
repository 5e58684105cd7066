"""Which trained runs stand behind a name: a run, a retraining's seeds, a study's best trial."""

import json
from collections.abc import Sequence
from pathlib import Path

from trialsmith.errors import SearchError
from trialsmith.study.retraining import PLAN, RESULTS

CHECKPOINT = Path("checkpoints", "best.ckpt")


def run_folders(
    name: str | Path, trial: int | None = None, top: int | None = None, storage: str | None = None
) -> list[Path]:
    """The folders of the runs that `name` stands for; more than one is an ensemble.

    Args:
        name: the folder of a run (its folds, where it is cross-validated), of a trial, of a
            retraining (all its seeds), of a study, or a study's name; a run's checkpoint.
        trial: of a study, this trial in place of the best one.
        top: of a study, so many of its best trials.
        storage: of a study, where it is kept, if its folder does not tell; see `open_study`.

    Raises:
        SearchError: there is no such run or study, or nothing is trained there yet.
    """
    path = Path(name).expanduser()
    if path.suffix == ".ckpt":
        path = path.resolve().parent.parent  # a retraining's checkpoints are links
    if (path / CHECKPOINT).is_file() or (path / "config.yaml").is_file():
        _refuse_choice(path, trial, top)
        return _of_run(path)
    if (path / RESULTS).is_file():
        _refuse_choice(path, trial, top)
        return _members(path)
    if (path / PLAN).is_file():
        raise SearchError(f"the retraining in {path} is not finished: give the folder of a seed")
    return _of_study(str(name), trial, top, storage)


def trained(folder: Path) -> Path:
    """The folder itself.

    Raises:
        SearchError: it has no configuration or no checkpoint of a best epoch.
    """
    if not (folder / CHECKPOINT).is_file():
        raise SearchError(
            f"{folder} has no {CHECKPOINT}: it was no training of a model, or it ended before its "
            "first epoch was validated"
        )
    if not (folder / "config.yaml").is_file():
        raise SearchError(f"{folder} has no config.yaml: give the folder as the run left it")
    return folder


def _of_run(folder: Path) -> list[Path]:
    """The run, or its folds where it was one over all of them."""
    folds = sorted(folder.glob(f"fold_*/{CHECKPOINT}"))
    return [trained(fold.parent.parent) for fold in folds] or [trained(folder)]


def _members(folder: Path) -> list[Path]:
    found = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
    return [member for run in found["runs"] for member in _of_run(folder / run)]


def _refuse_choice(folder: Path, trial: int | None, top: int | None) -> None:
    if trial is not None or top is not None:
        raise SearchError(f"{folder} is no study: --trial and --top choose among a study's trials")


def _of_study(name: str, trial: int | None, top: int | None, storage: str | None) -> list[Path]:
    # imported here: Optuna takes a second
    from trialsmith.study.choice import chosen_trials
    from trialsmith.study.locate import find_folder, open_study
    from trialsmith.study.table import read

    try:
        folder = find_folder(name)
    except SearchError as error:
        raise SearchError(f"{name} is the folder of no run, and {error}") from None
    numbers: Sequence[int] = () if trial is None else (trial,)
    rows = chosen_trials(read(open_study(folder, storage)), numbers, top)
    return [run for row in rows for run in _of_run(folder / str(row.folder))]
