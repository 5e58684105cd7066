"""A search that is a stage reads, before it begins, what the stage before has found."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig

from hydra_plugins.trialsmith_sweeper._build import build_stage
from hydra_plugins.trialsmith_sweeper._command_line import read_command_line
from hydra_plugins.trialsmith_sweeper._naming import default_name, sanitised, study_folder
from trialsmith.errors import SearchError
from trialsmith.search.credentials import word_without_credentials
from trialsmith.study.locate import FILES, is_study, open_study, storages_of
from trialsmith.study.stages.commands import FOLLOWS, OWN, next_command
from trialsmith.study.stages.finished import note_asked
from trialsmith.study.stages.stage import STAGE


class StagedSearch:
    """The stage that a search is, if it is one.

    Args:
        arguments: the task's overrides.
    """

    def __init__(self, config: DictConfig, loader: ConfigLoader, arguments: list[str]) -> None:
        self._config, self._loader = config, loader
        self._stage = build_stage(config.hydra.sweeper.stage)
        self._line = read_command_line(arguments, loader)
        # a plan's overrides of one stage alone; a stage run by hand takes those of the one before
        own: dict[str, list[str]] | None = json.loads(os.environ.get(OWN, "null"))
        self._own = own and {s: [*map(word_without_credentials, w)] for s, w in own.items()}

    def entries(self) -> dict[str, Any] | None:
        """What it takes over, as entries of `hydra.sweeper.params`; None: not known yet, for the
        search is only checked.

        Raises:
            SearchError: there is no stage before, or it is not at its end.
        """
        if self._stage is None or self._stage.follows is None:
            return {}
        if self._config.hydra.sweeper.check:
            return None
        folder = self._before(self._stage.follows)
        own = {*(self._config.hydra.sweeper.params or ()), *self._line.swept}
        before = self._opened_before(folder)
        if self._own is None:
            self._own = before.user_attrs.get(STAGE, {}).get("own")
        return self._stage.entries(before, folder, own)

    def note(self, study: optuna.Study, n_trials: int, points: int | None) -> None:
        """Keep with the study how much is asked of it, for a later stage wants to see it at its
        end, and what its report needs.

        Args:
            points: of its space; None: endless.
        """
        note_asked(study, n_trials, points)
        if self._stage is not None:
            named = self._config.hydra.sweeper.study_name is not None
            self._stage.note(study, list(sys.argv), named, self._own)

    def _opened_before(self, folder: Path) -> optuna.Study:
        """The study that is followed: where its own folder has it, which may be in two places."""
        asked = self._config.hydra.sweeper.storage
        kept = storages_of(folder)
        is_meant = asked in kept if kept else asked not in FILES
        return open_study(folder, asked if is_meant else None)

    def _before(self, follows: str) -> Path:
        """The folder of the study that is followed: of the same data where a search is named."""
        is_search = follows in self._loader.get_group_options("hparams_search")
        name = default_name(follows, self._line.fixed) if is_search else sanitised(follows)
        folder = study_folder(self._config, name)
        if is_study(folder):
            return folder
        if not is_search and is_study(Path(follows)):
            return Path(follows)
        raise SearchError(_missing(follows, folder, self._line.fixed if is_search else None))


def _missing(follows: str, folder: Path, fixed: Mapping[str, Any] | None) -> str:
    message = f"this stage goes on from the best of {follows}, and there is no study {folder}. "
    if fixed is None:
        return f"{message}Name a study or its folder: {FOLLOWS}=STUDY"
    first = next_command(sys.argv, follows, ())
    return f"{message}Run that first:\n  {first}\nor name another study: {FOLLOWS}=STUDY"
