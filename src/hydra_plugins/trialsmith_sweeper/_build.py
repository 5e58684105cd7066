"""Builds the sampler and the pruner that the configuration describes."""

from typing import TYPE_CHECKING, Any

import optuna
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from optuna.pruners import BasePruner, NopPruner
from optuna.samplers import BaseSampler

from trialsmith.buildable import constructors
from trialsmith.errors import SearchError
from trialsmith.search.proposal import Grid, MakeSampler

if TYPE_CHECKING:
    from trialsmith.study.stages.stage import Stage

# What each part of `hydra.sweeper` may name; see `trialsmith.buildable`.
BUILDABLE = {
    "sampler": (
        *constructors(
            "optuna.samplers",
            "BruteForceSampler",
            "CmaEsSampler",
            "GPSampler",
            "GridSampler",
            "NSGAIIISampler",
            "NSGAIISampler",
            "PartialFixedSampler",
            "QMCSampler",
            "RandomSampler",
            "TPESampler",
        ),
        *constructors(
            "optuna.samplers.nsgaii",
            "BLXAlphaCrossover",
            "PolynomialMutation",
            "SBXCrossover",
            "SPXCrossover",
            "UNDXCrossover",
            "UniformCrossover",
            "VSBXCrossover",
        ),
        "trialsmith.search.proposal.Grid",
        "hydra_plugins.hydra_optuna_sweeper._impl.create_nsgaii_sampler",
        "hydra_plugins.hydra_optuna_sweeper._impl.create_nsgaiii_sampler",
        "hydra_plugins.hydra_optuna_sweeper.config.raise_motpe_removed",
    ),
    "pruner": constructors(
        "optuna.pruners",
        "HyperbandPruner",
        "MedianPruner",
        "NopPruner",
        "PatientPruner",
        "PercentilePruner",
        "SuccessiveHalvingPruner",
        "ThresholdPruner",
        "WilcoxonPruner",
    ),
    "stage": ("trialsmith.study.stages.stage.Stage",),
}

# Their sequence is one for the whole study: a seed for each trial would break it.
WHOLE_STUDY = ("QMCSampler", "GridSampler", "Grid")


def sampler_maker(node: DictConfig) -> tuple[MakeSampler, int | None]:
    """How to build the sampler with a seed, and the seed that `node` asks for.

    Raises:
        SearchError: the sampler cannot be built.
    """
    settings = _settings(node, "sampler")
    target, seed = str(settings["_target_"]), settings.pop("seed", None)

    def make(trial_seed: int | None) -> BaseSampler:
        if target.endswith("GridSampler"):
            return Grid(seed)
        own = seed if target.endswith(WHOLE_STUDY) else trial_seed
        return _instantiate({**settings, "seed": own}, "sampler")

    make(seed)  # a mistake shows before the first trial
    return make, seed


def build_pruner(node: DictConfig | None, objectives: int = 1) -> BasePruner:
    """The pruner; none with several objectives, for which Optuna has no pruning.

    Raises:
        SearchError: the pruner cannot be built.
    """
    if node is None or objectives > 1:
        return NopPruner()
    return _instantiate(_settings(node, "pruner"), "pruner")


def build_stage(node: DictConfig | None) -> "Stage | None":
    """What makes the search a stage of several; None where it stands alone.

    Raises:
        SearchError: the stage cannot be built.
    """
    stage: Stage | None = None if node is None else _instantiate(_settings(node, "stage"), "stage")
    return stage


def _settings(node: DictConfig, what: str) -> dict[str, Any]:
    """The settings without nulls, which stand for Optuna's own defaults."""
    try:
        settings: Any = OmegaConf.to_container(node, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise SearchError(f"hydra.sweeper.{what} is incomplete: {error}") from None
    return {key: value for key, value in settings.items() if value is not None}


def _instantiate(settings: dict[str, Any], what: str) -> Any:
    settings.pop("_partial_", None)
    try:
        return instantiate(_without_nulls(settings), _execution_whitelist_=BUILDABLE[what])
    except Exception as error:
        cause = error.__cause__ or error
        options = ", ".join(key for key in settings if not key.startswith("_"))
        raise SearchError(
            f"hydra.sweeper.{what} ({settings.get('_target_')}) cannot be built: {cause} "
            f"Set hydra.sweeper.{what}.NAME=VALUE; the names are: {options}"
        ) from None


def _without_nulls(settings: Any) -> Any:
    if not isinstance(settings, dict):
        return settings
    kept = {key: _without_nulls(value) for key, value in settings.items()}
    return {key: value for key, value in kept.items() if value is not None}


def quiet_optuna() -> None:
    """Optuna's own lines repeat what the sweep says."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
