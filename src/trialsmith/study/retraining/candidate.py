"""What is trained anew: a trial of a study, or a configuration from a file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import yaml

from trialsmith import yaml12
from trialsmith.errors import SearchError
from trialsmith.study.best_config import standing_alone
from trialsmith.study.choice import chosen_trials
from trialsmith.study.locate import is_study
from trialsmith.study.table import StudyTable, TrialRow, read

BEST_CONFIG, BEST_PARAMS = "best_config.yaml", "best_params.json"


@dataclass(frozen=True)
class Candidate:
    """A configuration to train anew.

    Attributes:
        name: of its folder and file, such as `trial-7`.
        config: text of a primary config that stands alone; None: that of the program is composed.
        params: config key → value: what was searched, or stands in a file of parameters.
        folder: of the trial.
        start: where its search was started, to which relative paths in it refer.
        value: its score in the search.
        fingerprint: of the data of the search.
        commit: of the program of the search.
    """

    name: str
    config: str | None
    params: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    start: Path | None = None
    value: float | None = None
    fingerprint: str | None = None
    commit: str | None = None

    @property
    def recorded(self) -> list[str]:
        """The overrides that made the trial.

        Raises:
            SearchError: nobody noted them.
        """
        path = None if self.folder is None else self.folder / ".hydra" / "overrides.yaml"
        if path is None or not path.is_file():
            raise SearchError(
                "another config of a group (data=…, loss=…) needs a study or a trial's folder: a "
                "file alone does not say which of its values came with the old one"
            )
        return list(yaml12.load(path.read_text(encoding="utf-8")) or [])


def of_study(
    study: optuna.Study, folder: Path, numbers: Sequence[int], top: int | None
) -> list[Candidate]:
    """Trials of a study, the best first where no numbers are given.

    Raises:
        SearchError: there is no such trial, or its folder is gone.
    """
    table = read(study)
    return [_of_trial(table, row, folder) for row in chosen_trials(table, numbers, top)]


def of_file(path: Path) -> Candidate:
    """The configuration in a file: `best_config.yaml`, `best_params.json`, or a copy of one.

    Raises:
        SearchError: it is neither.
    """
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else yaml12.load(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SearchError(f"{path} cannot be read: {error}") from None
    if not isinstance(content, dict) or not content:
        raise SearchError(f"{path} holds no parameters and no configuration")
    if path.suffix == ".json":
        return Candidate(path.stem, None, content)
    if not {"model", "data", "trainer"} <= content.keys():
        raise SearchError(f"{path} is no whole configuration: model, data and trainer are needed")
    return Candidate(path.stem, text)


def study_of_file(path: Path) -> Path | None:
    """The study's folder where the file is one that the study wrote, and says more than it."""
    known = path.name in (BEST_CONFIG, BEST_PARAMS) and is_study(path.parent)
    return path.parent if known else None


def _of_trial(table: StudyTable, row: TrialRow, study: Path) -> Candidate:
    folder = study / str(row.folder)
    config = standing_alone(folder)
    if config is None:
        raise SearchError(
            f"trial {row.number} of study {table.name} has no {folder / '.hydra' / 'config.yaml'}: "
            "is its folder on another machine?"
        )
    if "task" in yaml12.load(config):
        raise SearchError(
            f"study {table.name} tunes another program: run that, or train.py with --config-path "
            f"{folder / '.hydra'} --config-name config"
        )
    return Candidate(
        name=f"trial-{row.number}",
        config=config,
        params=row.params,
        folder=folder,
        start=_start(folder),
        value=row.values[0] if row.values else None,
        fingerprint=row.attributes.get("data_fingerprint"),
        commit=row.attributes.get("git_commit"),
    )


def _start(folder: Path) -> Path | None:
    text = (folder / ".hydra" / "hydra.yaml").read_text(encoding="utf-8")
    start = Path(yaml12.load(text)["hydra"]["runtime"]["cwd"])
    return start if start.is_dir() else None
