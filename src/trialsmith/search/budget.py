"""How many trials a study may still start, however many sweepers share it.

Complete and pruned trials count, over all invocations; running ones hold a place until they end.
Sweepers of one host take turns by a lock in the study's folder. Where no lock reaches, each looks
again after it has created its trial, and withdraws it when it came too late.
"""

import optuna
from optuna.trial import FrozenTrial, TrialState

COUNTED = (TrialState.COMPLETE, TrialState.PRUNED)
HELD = (*COUNTED, TrialState.RUNNING)


def counted(study: optuna.Study) -> int:
    """Trials that count towards n_trials."""
    return len(study.get_trials(deepcopy=False, states=COUNTED))


def room(study: optuna.Study, n_trials: int) -> int:
    """How many more trials may start now."""
    return n_trials - len(study.get_trials(deepcopy=False, states=HELD))


def came_too_late(study: optuna.Study, trial: FrozenTrial, n_trials: int, queued: bool) -> bool:
    """Whether `trial`, which has just begun, is one too many.

    Of new trials those with the lower numbers stay. A trial from the queue may have any number:
    it stays only if there is room beside all others. So two that began at once may both give way,
    and never both stay.
    """
    held = study.get_trials(deepcopy=False, states=HELD)
    if len(held) <= n_trials:
        return False
    others = [other for other in held if other.number != trial.number]
    before = others if queued else [other for other in others if other.number < trial.number]
    return len(before) >= n_trials
