"""How a job finds the trial it belongs to: the one place that reads Hydra's configuration."""

import os
import warnings
from functools import lru_cache
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from optuna.exceptions import ExperimentalWarning

from hydra_plugins.trialsmith_sweeper._build import build_pruner, quiet_optuna
from trialsmith.search.credentials import full
from trialsmith.search.opening import sequence_of_directions
from trialsmith.search.outage import PATIENCE
from trialsmith.search.storage import open_storage, storage_url
from trialsmith.search.trial import TrialHandle, attach

# Set by the sweep through `hydra.job.env_set`, which stays out of the trial's own overrides.
STUDY, TRIAL = "TRIALSMITH_STUDY", "TRIALSMITH_TRIAL"


def current_trial() -> TrialHandle | None:
    """The trial of this job; None outside a search."""
    if TRIAL not in os.environ or not HydraConfig.initialized():
        return None
    config = HydraConfig.get()
    start = Path(config.runtime.cwd)  # the job may have gone to its own folder since
    url = storage_url(full(config.sweeper.storage), start / config.sweep.dir, start)
    return _attached(url, os.environ[STUDY], int(os.environ[TRIAL]))


@lru_cache(maxsize=1)
def _attached(url: str, study: str, number: int) -> TrialHandle:
    """One handle a trial, however many parts of the job ask for it."""
    sweeper = HydraConfig.get().sweeper
    objectives = len(sequence_of_directions(_plain(sweeper.direction)))
    quiet_optuna()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        pruner = build_pruner(sweeper.pruner, objectives)
        return attach(open_storage(url, PATIENCE), study, number, pruner)


def _plain(direction: object) -> str | list[str]:
    return direction if isinstance(direction, str) else [str(name) for name in direction]  # type: ignore[attr-defined]
