"""Lets `trialsmith.study` show the search and write its files while it runs."""

import shlex
import sys
from contextlib import ExitStack
from functools import cached_property
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import optuna

from trialsmith.search.rules import Hooks, Rules

if TYPE_CHECKING:
    from trialsmith.study.folder import StudyFolder


def study_hooks(stack: ExitStack, folder: Path, study: optuna.Study, rules: Rules) -> Hooks:
    """What shows the search and keeps its files; both end with `stack`."""
    from trialsmith.study.progress import progress
    from trialsmith.study.watching import Watch

    display = stack.enter_context(progress(study.study_name))
    watch = Watch(display, study, rules.n_trials, rules.timeout)
    return Hooks(_Files(stack, folder), watch)


class _Files:
    """Has the study's files written after each change."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        # plots take seconds to import: let that happen while the first trials run
        Thread(target=import_module, args=("trialsmith.study.folder",), daemon=True).start()

    def __call__(self, study: optuna.Study) -> None:
        _remember_unit(study)
        self._written.request_update(study)

    @cached_property
    def _written(self) -> "StudyFolder":
        from trialsmith.study.folder import StudyFolder

        return self._stack.enter_context(StudyFolder(self._folder))


def show_result(study: optuna.Study, folder: Path) -> None:
    """The last screen: the best trial, and what to do with it."""
    from rich.console import Console

    from trialsmith.study.summary import last_screen
    from trialsmith.study.table import read

    again = shlex.join(["python", *sys.argv])
    Console().print(last_screen(read(study), folder, again))


def _remember_unit(study: optuna.Study) -> None:
    """The score's unit is known to the data, hence to the first trial, not to the sweep."""
    if "unit" in study.user_attrs:
        return
    for trial in study.get_trials(deepcopy=False):
        if "unit" in trial.user_attrs:
            study.set_user_attr("unit", trial.user_attrs["unit"])
            return
