"""Lets `trialsmith.study` show the search and write its files while it runs."""

import logging
import shlex
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from trialsmith.errors import SearchError
from trialsmith.search import budget
from trialsmith.search.proposal import MakeSampler, Tried, is_exhausted
from trialsmith.search.rules import Hooks, Rules
from trialsmith.search.space import Space
from trialsmith.study.stages.stage import STAGE

if TYPE_CHECKING:
    from rich.console import Console

    from trialsmith.study.folder import StudyFolder

log = logging.getLogger(__name__)


class LateImport:
    """Imports a module in a thread, so that neither the trials nor Ctrl-C have to wait for it.

    Two threads that import at once may see each other's modules half made (SciPy's are in a
    circle), so what imports much as well, a sampler, comes before it or after it.
    """

    def __init__(self, module: str) -> None:
        self._thread = Thread(target=import_module, args=(module,), daemon=True)

    def begin(self) -> None:
        if self._thread.ident is None:
            self._thread.start()

    def before(self, make: MakeSampler) -> MakeSampler:
        """`make`, once an import that has begun is over."""

        def made(seed: int | None) -> BaseSampler:
            if self._thread.ident is not None:
                self._thread.join()
            return make(seed)

        return made


def study_hooks(
    stack: ExitStack, folder: Path, study: optuna.Study, rules: Rules, pages: LateImport
) -> Hooks:
    """What shows the search and keeps its files; both end with `stack`.

    Args:
        pages: of `trialsmith.study.folder`, which takes seconds.
    """
    from trialsmith.study.progress import progress
    from trialsmith.study.watching import Watch

    display = stack.enter_context(progress(study.study_name))
    watch = Watch(display, study, rules.n_trials, rules.timeout)

    def tick(study: optuna.Study, number: int | None) -> None:
        pages.begin()  # the first trials have begun
        watch(study, number)

    return Hooks(_Files(stack, folder), tick)


class _Files:
    """Has the study's files written after each change."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder

    def __call__(self, study: optuna.Study) -> None:
        _remember_unit(study)
        self._written.request_update(study)

    @cached_property
    def _written(self) -> "StudyFolder":
        from trialsmith.study.folder import StudyFolder

        return self._stack.enter_context(StudyFolder(self._folder))


def show_result(study: optuna.Study, folder: Path, space: Space, n_trials: int) -> None:
    """The last screen: the best trial, and what to do with it."""
    from rich.console import Console

    from trialsmith.study.summary import last_screen
    from trialsmith.study.table import read

    left = study.get_trials(deepcopy=False, states=(TrialState.RUNNING, TrialState.WAITING))
    over = not left and is_exhausted(space, Tried(study))
    again = None if over else shlex.join(["python", *_going_on(sys.argv, study, n_trials)])
    # not cropped: its commands are there to be pasted
    console = Console()
    console.print(last_screen(read(study), folder, again), crop=False)
    if STAGE in study.user_attrs:
        _show_comparison(console, study, folder)


def _show_comparison(console: "Console", study: optuna.Study, folder: Path) -> None:
    from trialsmith.study.stages.report import report

    try:
        console.print(report(study, folder), crop=False)
    except (SearchError, OSError) as error:
        log.warning("the stage cannot be compared: %s", error)


def _going_on(words: Sequence[str], study: optuna.Study, n_trials: int) -> list[str]:
    """The command line `words` as it goes on with the study: not anew, and with trials to do."""
    kept = [word for word in words if word.lstrip("+").partition("=")[0] not in _RESTART]
    done = budget.counted(study)
    if done < n_trials:
        return kept
    kept = [word for word in kept if not word.startswith(f"{_N_TRIALS}=")]
    return [*kept, f"{_N_TRIALS}={done + n_trials}"]


_RESTART = ("restart", "hydra.sweeper.restart")
_N_TRIALS = "hydra.sweeper.n_trials"


def _remember_unit(study: optuna.Study) -> None:
    """The score's unit is known to the data, hence to the first trial, not to the sweep."""
    if "unit" in study.user_attrs:
        return
    for trial in study.get_trials(deepcopy=False):
        if "unit" in trial.user_attrs:
            study.set_user_attr("unit", trial.user_attrs["unit"])
            return
