"""How much each parameter matters for reaching the best trials, conditional ones included."""

import logging
import math
import warnings
from dataclasses import dataclass

import optuna
from optuna.samplers import RandomSampler
from optuna.trial import create_trial

from trialsmith.study.table import Direction, StudyTable, TrialRow

FEWEST = 6  # complete trials; below, "the best few" and "the rest" are no distributions
STEADY = 50  # complete trials from which 5 of them are in the best tenth, as the authors advise


@dataclass(frozen=True)
class Importance:
    """A parameter's share of all importances (they sum to one) and the trials it comes from."""

    key: str
    share: float
    trials: int


def usable(table: StudyTable, objective: int = 0) -> list[TrialRow]:
    """The trials that importances are computed on: complete, with a finite value."""
    scored = (trial for trial in table.trials if trial.scored)
    return [trial for trial in scored if math.isfinite(trial.values[objective])]


def quantile(trials: int) -> float:
    """The best part that counts as good: a tenth, or so much that it holds five trials."""
    return min(0.5, max(0.1, 5 / trials))


def importances(table: StudyTable, objective: int = 0) -> list[Importance]:
    """PED-ANOVA importances by config key, the greatest first; empty with too few trials.

    A parameter's importance is how far its distribution among the best trials is from that among
    all: Watanabe et al., IJCAI 2023, arXiv:2304.10255. A parameter that only a part of the trials
    has, or whose choices depend on another one, is compared within the trials that sampled it in
    the same way, weighted by how many of the best these are: arXiv:2601.20800. Empty too when no
    trial is better than another.
    """
    trials = usable(table, objective)
    if len(trials) < FEWEST or len({trial.values[objective] for trial in trials}) == 1:
        return []
    # with it comes scikit-learn, which takes seconds that a short search need not wait for
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    # one more process-wide filter rather than catch_warnings, which is not safe in a thread
    warnings.filterwarnings("ignore", message="Some regimes for parameter")
    warnings.filterwarnings("ignore", message="Target and region quantiles select the same")
    study = _by_key(trials, table.directions[objective], objective)
    evaluator = PedAnovaImportanceEvaluator(target_quantile=quantile(len(trials)))
    shares = get_param_importances(study, evaluator=evaluator)
    sampled = {key: sum(key in trial.sampled for trial in trials) for key in shares}
    return [Importance(key, float(share), sampled[key]) for key, share in shares.items()]


def _by_key(trials: list[TrialRow], direction: Direction, objective: int) -> optuna.Study:
    """A study of one objective in memory, its parameters named by config key."""
    # would announce a new study at every update of the pages
    logging.getLogger("optuna.storages._in_memory").setLevel(logging.WARNING)
    study = optuna.create_study(direction=direction, sampler=RandomSampler())
    study.add_trials(
        create_trial(
            value=trial.values[objective],
            params={key: value for key, (value, _) in trial.sampled.items()},
            distributions={key: space for key, (_, space) in trial.sampled.items()},
        )
        for trial in trials
    )
    return study
