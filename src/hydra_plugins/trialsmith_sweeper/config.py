"""What can be set under `hydra.sweeper`, and the pruners to choose from.

Sampler groups carry the names of hydra-optuna-sweeper's, which would be overwritten here for every
program; ours stand in `conf/hydra/sweeper/sampler` and hold for this project alone.
"""

from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING

TARGET = "hydra_plugins.trialsmith_sweeper.sweeper.TrialsmithSweeper"


@dataclass
class TrialsmithSweeperConf:
    """A search.

    Attributes:
        params: config key → what it may be; see `trialsmith.search.reading`.
        study_name: null: from hparams_search and the data that the command line names.
        storage: `journal`, `sqlite` (both in the study's folder) or a URL that Optuna knows; null:
            where the study's folder has it, and of a new one `journal`.
        direction: minimize or maximize; a list for several objectives, which excludes pruning.
        n_trials: complete and pruned trials of the study, over all invocations and processes;
            null: every point of a finite space.
        n_jobs: trials at a time; -1: as many as there are CPUs.
        timeout: seconds after which no trial is begun; those that run may end.
        enqueue: list of points `{key: value}` to try first; `default`, alone or among them, is the
            configuration's own values.
        prepare: a node such as `data`, built once so that its `prepare_data()` runs before the
            first trial; null: none.
        checked_by: a node such as `task`, whose `check(config, written, searched, here)` finds what
            would be wrong with every trial before there is a study; null: none.
        allow_repeats: a point may be tried more than once.
        max_failures: so many failed trials in a row end the search.
        max_retries: how often a point is tried again after its process died.
        stall_timeout: seconds without a report after which a trial's process counts as hanging and
            is ended; the time before the first report counts too, and a trial that never reports,
            as one with several objectives, has so long in all. null: it may hang for ever.
        stage: a `trialsmith.study.stages.stage.Stage`, where the search is one of several.
        check: read and check the search, make its data ready, and begin nothing.
        restart: begin the study anew; the old one is kept aside. The same as +restart=true.
        take_over: also queue again what other hosts left running.
        max_failure_rate, custom_search_space: hydra-optuna-sweeper's; the first is not needed,
            the second is replaced by `when`.
    """

    _target_: str = TARGET
    defaults: list[Any] = field(default_factory=lambda: [{"sampler": "tpe"}, {"pruner": "median"}])
    params: Any = None
    study_name: str | None = None
    storage: str | None = None
    direction: Any = "${oc.select:direction,minimize}"
    n_trials: int | None = 20
    n_jobs: int = 1
    timeout: float | None = None
    sampler: Any = MISSING  # chosen by the defaults list
    pruner: Any = MISSING
    enqueue: Any = None
    prepare: str | None = None
    checked_by: str | None = None
    stage: Any = None
    allow_repeats: bool = False
    max_failures: int = 50
    max_retries: int = 2
    stall_timeout: float | None = None
    check: bool = False
    restart: bool = False
    take_over: bool = False
    max_failure_rate: float | None = None
    custom_search_space: str | None = None


# The start-up and warm-up are the project's choice; all else is Optuna's (null).
_MEDIAN = {
    "_target_": "optuna.pruners.MedianPruner",
    "n_startup_trials": 5,
    "n_warmup_steps": 10,
    "interval_steps": 1,
    "n_min_trials": None,
}
PRUNERS: dict[str, dict[str, Any]] = {
    "median": _MEDIAN,
    "percentile": {**_MEDIAN, "_target_": "optuna.pruners.PercentilePruner", "percentile": 25.0},
    "hyperband": {
        "_target_": "optuna.pruners.HyperbandPruner",
        "min_resource": 1,
        # the brackets follow from it, so it is said and not guessed from the first trials
        "max_resource": "${oc.select:trainer.max_epochs,100}",
        "reduction_factor": 3,
        "bootstrap_count": None,
    },
    "successive_halving": {
        "_target_": "optuna.pruners.SuccessiveHalvingPruner",
        "min_resource": 1,
        "reduction_factor": 3,
        "min_early_stopping_rate": None,
        "bootstrap_count": None,
    },
    "patient": {
        "_target_": "optuna.pruners.PatientPruner",
        "wrapped_pruner": _MEDIAN,
        "patience": 5,
        "min_delta": None,
    },
    "threshold": {
        "_target_": "optuna.pruners.ThresholdPruner",
        "lower": None,
        "upper": None,
        "n_warmup_steps": None,
        "interval_steps": None,
    },
    # for trials whose steps are folds or other instances, in whatever order: data.fold=all
    "wilcoxon": {
        "_target_": "optuna.pruners.WilcoxonPruner",
        "p_threshold": None,
        "n_startup_steps": None,
    },
    "none": {"_target_": "optuna.pruners.NopPruner"},
}

_store = ConfigStore.instance()
_store.store(
    group="hydra/sweeper", name="trialsmith", node=TrialsmithSweeperConf, provider="trialsmith"
)
for _name, _node in PRUNERS.items():
    _store.store(group="hydra/sweeper/pruner", name=_name, node=dict(_node), provider="trialsmith")
