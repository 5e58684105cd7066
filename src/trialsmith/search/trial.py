"""A job's side of a trial: it reports, annotates, and hears when to stop.

The storage is the only channel between a job and the sweep; the job attaches to the trial that
the sweep has asked for.
"""

import math
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.pruners import BasePruner, HyperbandPruner, NopPruner
from optuna.storages import BaseStorage

from trialsmith.errors import Diverged
from trialsmith.search import ownership
from trialsmith.search.outcome import TrialLost
from trialsmith.search.pruning import quickened


class TrialHandle:
    """The trial that the running job belongs to.

    Attributes:
        number: of the trial in its study.
        study_name: of the study.
        prunes: whether `report` may end the trial; never so with several objectives.
    """

    def __init__(self, trial: optuna.trial.Trial) -> None:
        study = trial.study
        self.number: int = trial.number
        self.study_name: str = study.study_name
        self.prunes = len(study.directions) == 1 and not isinstance(study.pruner, NopPruner)
        self._trial = trial
        self._owner = trial.user_attrs.get("owner")
        self._reports = len(study.directions) == 1

    @property
    def space(self) -> dict[str, Any]:
        """What each parameter of the search could be, as the study describes its space."""
        return dict(self._trial.study.user_attrs.get("space", {}).get("parameters", {}))

    @property
    def parameters(self) -> dict[str, Any]:
        """Every parameter of the search by its config key; None for those that take no part."""
        return dict.fromkeys(self.space) | self._trial.user_attrs.get("params", {})

    def report(self, value: float, step: int) -> None:
        """Tell the value that the search watches at `step`, an epoch or whatever counts up.

        Raises:
            optuna.TrialPruned: the trial is not worth going on with.
            Diverged: `value` is not a finite number.
            TrialLost: somebody else has finished the trial.
        """
        if not math.isfinite(value):
            raise Diverged(f"the reported value is {value} at step {step}")
        if not self._reports:
            return
        try:
            self._trial.report(value, step)
        except UpdateFinishedTrialError:
            raise TrialLost(f"trial {self.number} was finished by another process") from None
        if self.prunes and self._trial.should_prune():
            raise optuna.TrialPruned(f"pruned at step {step}")

    def check_wanted(self) -> None:
        """Ask whether the sweep that began the trial still lives; for jobs that report rarely.

        Raises:
            TrialLost: it is known to have ended.
        """
        if ownership.is_dead(self._owner):
            raise TrialLost(f"the sweep that asked for trial {self.number} has ended")

    def annotate(self, **attributes: Any) -> None:
        """Keep facts of the trial as user attributes; values that JSON can hold.

        Raises:
            TrialLost: somebody else has finished the trial.
        """
        for name, value in attributes.items():
            try:
                self._trial.set_user_attr(name, value)
            except UpdateFinishedTrialError:
                raise TrialLost(f"trial {self.number} was finished by another process") from None


def attach(storage: BaseStorage, study_name: str, number: int, pruner: BasePruner) -> TrialHandle:
    """The handle of a trial that a sweep has asked for, in the process that runs it.

    Args:
        pruner: built anew in each process, for it is not stored with the study.
    """
    # RandomSampler: attaching asks the sampler's leave, and the sweep's own has given it
    sampler = optuna.samplers.RandomSampler()
    study = optuna.load_study(
        study_name=study_name, storage=storage, sampler=sampler, pruner=pruner
    )
    prepare_pruner(study)
    study.pruner = quickened(study.pruner, storage)
    trial_id = storage.get_trial_id_from_study_id_trial_number(study._study_id, number)
    return TrialHandle(optuna.trial.Trial(study, trial_id))


def prepare_pruner(study: optuna.Study) -> None:
    """Let Hyperband know its brackets: else it sees one bracket for all trials."""
    if isinstance(study.pruner, HyperbandPruner) and not study.pruner._pruners:
        study.pruner._try_initialization(study)
