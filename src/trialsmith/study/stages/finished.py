"""Whether a search is at its end."""

import optuna

from trialsmith.search import budget
from trialsmith.search.proposal import Tried

ASKED = "asked"  # attribute of a study


def note_asked(study: optuna.Study, n_trials: int, points: int | None) -> None:
    """Keep with the study how many trials are asked of it.

    Args:
        points: of its space; None: endless.
    """
    asked = {"n_trials": n_trials, "points": points}
    if study.user_attrs.get(ASKED) != asked:
        study.set_user_attr(ASKED, asked)


def lacking(study: optuna.Study) -> str | None:
    """What is yet to do, "4 of 6 trials are done"; None when the search is at its end.

    It is when n_trials are done, or every point of its space was tried, and nothing runs or waits.
    """
    asked = study.user_attrs.get(ASKED)
    if asked is None:
        return "its search has not begun"
    n_trials, points = asked["n_trials"], asked["points"]
    done = budget.counted(study)
    exhausted = points is not None and len(Tried(study)()) >= points
    if not study.get_trials(deepcopy=False, states=OPEN) and (done >= n_trials or exhausted):
        return None
    return f"{done} of {n_trials} trials are done"


OPEN = (optuna.trial.TrialState.RUNNING, optuna.trial.TrialState.WAITING)
