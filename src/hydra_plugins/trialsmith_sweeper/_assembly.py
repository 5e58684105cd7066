"""Puts a search together from its parts, and runs it."""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import optuna
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf
from optuna.exceptions import ExperimentalWarning

from hydra_plugins.trialsmith_sweeper._attach import STUDY, TRIAL
from hydra_plugins.trialsmith_sweeper._build import build_pruner, quiet_optuna, sampler_maker
from hydra_plugins.trialsmith_sweeper._definition import Definition, define
from hydra_plugins.trialsmith_sweeper._display import LateImport, show_result, study_hooks
from hydra_plugins.trialsmith_sweeper._jobs import RecordedTask
from hydra_plugins.trialsmith_sweeper._launchers import slots, threads_of_a_trial
from hydra_plugins.trialsmith_sweeper._naming import place, placed, study_name
from hydra_plugins.trialsmith_sweeper._preparation import check, prepare
from hydra_plugins.trialsmith_sweeper._quoting import override
from hydra_plugins.trialsmith_sweeper._secrets import hide_credentials
from hydra_plugins.trialsmith_sweeper._stage import StagedSearch
from trialsmith.direction import mode_of
from trialsmith.errors import SearchError
from trialsmith.provenance import provenance
from trialsmith.search import budget, opening, waiting
from trialsmith.search.credentials import full
from trialsmith.search.opening import LOCK, StudyPlan, sequence_of_directions
from trialsmith.search.proposal import Grid, MakeSampler
from trialsmith.search.recovery import recover
from trialsmith.search.rules import Rules
from trialsmith.search.shares import cores
from trialsmith.search.slots import Slots
from trialsmith.search.space import Point, Space
from trialsmith.search.storage import open_storage, storage_url
from trialsmith.search.sweep import Sweep
from trialsmith.search.trial import prepare_pruner
from trialsmith.search.turns import Turns
from trialsmith.search.worker import Job
from trialsmith.study.locate import FILES, has_study, is_study, note_storage, storage_meant
from trialsmith.study.stages.finished import lacking

log = logging.getLogger(__name__)


def search(
    config: DictConfig, context: HydraContext, task: TaskFunction, arguments: Sequence[str]
) -> None:
    """Run the search that `config` and the task's overrides `arguments` describe.

    Raises:
        TrialsmithError: it cannot begin or go on.
        trialsmith.search.signals.Interrupted: after Ctrl-C or SIGTERM.
    """
    quiet_optuna()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        _search(config, context, task, list(arguments))


@dataclass(frozen=True)
class _Asked:
    """A search as it is asked for, all of whose mistakes have been told.

    Attributes:
        count: of slots.
        seed: of the sampler.
    """

    staged: StagedSearch
    definition: Definition
    plan: StudyPlan
    count: int
    n_trials: int
    make_sampler: MakeSampler
    seed: int | None
    pruner: optuna.pruners.BasePruner
    restart: bool


def _search(
    config: DictConfig, context: HydraContext, task: TaskFunction, arguments: list[str]
) -> None:
    hide_credentials(config)
    asked = _read(config, context, arguments)
    before = None if asked.restart else _study_before(asked)
    if before is None or budget.counted(before) < asked.n_trials:
        _check_trials(config, context, asked.definition)
    if config.hydra.sweeper.check:
        if before is not None and asked.definition.is_whole:
            opening.check_study(before, asked.plan)
        if before is None or lacking(before) is not None:
            _prepare(config, context, asked.definition)
        log.info("checked: nothing stands in the way of study %s", asked.plan.name)
        return
    turns = Turns(asked.plan.folder / LOCK, asked.plan.url, asked.plan.name)
    study = _opened(asked, turns)
    with _slots(config, context, task, asked) as places:
        done = budget.counted(study)
        if done >= asked.n_trials:
            log.info(
                "nothing to do: %d trials are done, and hydra.sweeper.n_trials=%d; "
                "with a higher one the search goes on",
                done,
                asked.n_trials,
            )
        else:
            places.get_ready(budget.room(study, asked.n_trials))
            _prepare(config, context, asked.definition)
        with turns:
            waiting.enqueue(study, asked.definition.space, asked.definition.enqueued)
        _run(config, asked, study, turns, places)


def _read(config: DictConfig, context: HydraContext, arguments: list[str]) -> _Asked:
    sweeper = config.hydra.sweeper
    _refuse_foreign_settings(sweeper)
    count = _count(sweeper.n_jobs)
    staged = StagedSearch(config, context.config_loader, arguments)
    definition = define(config, context.config_loader, arguments, staged.entries())
    n_trials = _n_trials(sweeper.n_trials, definition.space)
    make_sampler, seed = sampler_maker(sweeper.sampler)
    _check_grid(make_sampler(seed), definition)
    plan, storage = _plan(config, definition)
    definition.configurations.settle_storage(storage)
    return _Asked(
        staged=staged,
        definition=definition,
        plan=plan,
        count=count,
        n_trials=n_trials,
        make_sampler=make_sampler,
        seed=seed,
        pruner=build_pruner(sweeper.pruner, len(plan.directions)),
        restart=definition.line.restart or sweeper.restart,
    )


def _study_before(asked: _Asked) -> optuna.Study | None:
    """The study that the search would go on with; None: it would begin one."""
    plan = asked.plan
    # a fresh database is left alone: who comes first sets it up, in turn
    if not (is_study(plan.folder) and has_study(plan.url, plan.name)):
        return None
    return optuna.load_study(study_name=plan.name, storage=open_storage(plan.url))


def _opened(asked: _Asked, turns: Turns) -> optuna.Study:
    """The study, new or gone on with, ready for trials."""
    asked.plan.folder.mkdir(parents=True, exist_ok=True)
    with turns:
        study = opening.open_study(asked.plan, restart=asked.restart)
        recover(study)
    asked.staged.note(study, asked.n_trials, asked.definition.space.size)
    study.pruner = asked.pruner
    prepare_pruner(study)
    log.info("study %s in %s", asked.plan.name, asked.plan.folder)
    return study


@contextmanager
def _slots(
    config: DictConfig, context: HydraContext, task: TaskFunction, asked: _Asked
) -> Iterator[Slots]:
    configurations = asked.definition.configurations
    built = configurations.built(context.execution_whitelist)
    places = slots(config, context, RecordedTask(task), asked.count, configurations.passed, built)
    try:
        yield places
    finally:
        places.stop()


def _run(
    config: DictConfig, asked: _Asked, study: optuna.Study, turns: Turns, places: Slots
) -> None:
    definition, plan = asked.definition, asked.plan
    passed = definition.configurations.passed
    shared = [*passed, *_shared_overrides(config, definition, asked.count)]
    rules = _rules(config.hydra.sweeper, asked.n_trials, asked.seed)
    pages = LateImport("trialsmith.study.folder")
    try:
        with ExitStack() as stack:
            Sweep(
                study,
                definition.space,
                rules,
                places,
                turns=turns,
                make_sampler=pages.before(asked.make_sampler),
                make_job=partial(_job, definition, plan.name, shared),
                attributes=_attributes(),
                hooks=study_hooks(stack, plan.folder, study, rules, pages),
            ).run()
    finally:
        show_result(study, plan.folder, definition.space, asked.n_trials)


def _check_trials(config: DictConfig, context: HydraContext, definition: Definition) -> None:
    """Find what every trial would end with, where the search says who knows."""
    node = config.hydra.sweeper.checked_by
    if node is not None:
        point = definition.space.sample(np.random.default_rng(0))
        config_of_trial = definition.configurations.compose(point)
        check(node, config_of_trial, definition.space.keys, context)


def _prepare(config: DictConfig, context: HydraContext, definition: Definition) -> None:
    """Make the data ready, where the search asks for it."""
    if config.hydra.sweeper.prepare is not None:
        prepare(config.hydra.sweeper.prepare, definition.configurations.compose({}), context)


def _plan(config: DictConfig, definition: Definition) -> tuple[StudyPlan, str]:
    """The study, and where it is kept: `hydra.sweeper.storage` as it is meant."""
    name = study_name(config, definition.line.fixed, definition.space.fingerprint)
    folder = place(config, name)
    directions = sequence_of_directions(_plain(config.hydra.sweeper.direction))
    _check_directions(definition.settings, directions[0])
    if len(directions) > 1:
        log.info("several objectives: no trial is pruned")
    storage = storage_meant(folder, name, config.hydra.sweeper.storage)
    url = storage_url(full(storage), folder)
    plan = StudyPlan(
        name=name,
        folder=folder,
        url=url,
        note=(lambda *_: None) if storage in FILES else note_storage,
        directions=directions,
        space=definition.space,
        settings=definition.settings,
        defaults=definition.defaults,
        metric=[str(m) for m in map(definition.settings.get, ("monitor", "cost.name")) if m],
    )
    return plan, storage


def _check_directions(settings: Mapping[str, Any], direction: str) -> None:
    """A score that a search, or its jobs, would take the worst of is refused before any trial."""
    monitor = settings.get("monitor")
    if isinstance(monitor, str):
        for way in (settings.get("direction"), direction):
            if way in ("minimize", "maximize"):  # not one that is written as ${…}
                mode_of(way, monitor)


def _rules(sweeper: DictConfig, n_trials: int, seed: int | None) -> Rules:
    return Rules(
        n_trials=n_trials,
        timeout=sweeper.timeout,
        seed=seed,
        allow_repeats=sweeper.allow_repeats,
        max_failures=sweeper.max_failures,
        max_retries=sweeper.max_retries,
        take_over=sweeper.take_over,
        stall_timeout=sweeper.stall_timeout,
    )


def _n_trials(asked: int | None, space: Space) -> int:
    if asked is not None:
        return asked
    if space.size is None:
        raise SearchError(
            "hydra.sweeper.n_trials=null asks for every point of the space, which is endless: give "
            "a number"
        )
    return space.size


def _job(
    definition: Definition, study: str, shared: Sequence[str], number: int, point: Point
) -> Job:
    overrides = (
        *definition.configurations.overrides(point),
        *shared,
        override(f"++hydra.job.env_set.{STUDY}", study),
        override(f"++hydra.job.env_set.{TRIAL}", str(number)),
    )
    return Job(number, overrides)


def _shared_overrides(config: DictConfig, definition: Definition, count: int) -> list[str]:
    """What every trial gets: its place and its study's, and a fair share of the CPU where there is
    a key for it.
    """
    shared = placed(config)
    if "threads" in config and "threads" not in {*definition.line.fixed, *definition.space.keys}:
        shared.append(override("threads", threads_of_a_trial(config, count)))
    return shared


def _attributes() -> dict[str, Any]:
    facts = provenance()
    return {key: facts[key] for key in ("host", "git_commit", "versions")}


def _count(n_jobs: int) -> int:
    if n_jobs < 1 and n_jobs != -1:
        raise SearchError(f"hydra.sweeper.n_jobs={n_jobs}: use 1 or more, or -1 for all CPUs")
    return cores() if n_jobs == -1 else n_jobs


def _check_grid(sampler: optuna.samplers.BaseSampler, definition: Definition) -> None:
    if not isinstance(sampler, Grid) or definition.space.size is not None:
        return
    continuous = definition.space.continuous
    why = f"{', '.join(continuous)}: a continuum of values" if continuous else "it is too large"
    raise SearchError(
        f"hydra/sweeper/sampler=grid cannot list this space: {why}; give a step or choices, or "
        "use another sampler"
    )


def _refuse_foreign_settings(sweeper: DictConfig) -> None:
    if sweeper.custom_search_space is not None:
        raise SearchError(
            "hydra.sweeper.custom_search_space is of hydra-optuna-sweeper: write its conditions "
            "as `when` in hydra.sweeper.params"
        )
    if sweeper.n_trials is not None and sweeper.n_trials < 1:
        raise SearchError(f"hydra.sweeper.n_trials={sweeper.n_trials}: use 1 or more")


def _plain(direction: Any) -> Any:
    return (
        list(direction)
        if OmegaConf.is_list(direction)
        else str(getattr(direction, "name", direction))
    )
