"""Where the trials run: in processes of this machine, or with workers that a launcher starts."""

import copy
import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import DictConfig, OmegaConf, read_write

from hydra_plugins.trialsmith_sweeper._jobs import RecordedTask, SlotRunner
from hydra_plugins.trialsmith_sweeper._quoting import override
from hydra_plugins.trialsmith_sweeper._submitit import last_word, watch_the_queue
from trialsmith.errors import SearchError
from trialsmith.search import ownership
from trialsmith.search.shares import THREADS, slot_environment, threads_of_a_slot
from trialsmith.search.slots import ProcessSlots, Slots, end_children
from trialsmith.search.workers import WorkerSlots
from trialsmith.search.workplace import Workplace

# Their processes are of this machine, as our own slots are. Joblib's pool is not used: a process
# of it that is killed takes all others along.
LOCAL = ("basic", "joblib")

WORKERS = ".workers"  # in the study's folder


def slots(
    config: DictConfig,
    context: HydraContext,
    task: RecordedTask,
    count: int,
    passed: Sequence[str],
    built: Sequence[str],
) -> Slots:
    """The slots that `hydra/launcher` asks for.

    Args:
        count: how many.
        passed: the overrides that every configuration of this search has.
        built: dotted names of what most trials build.

    Raises:
        SearchError: the task cannot be sent to another process.
    """
    payload = _pickled(SlotRunner(context, config, task, Singleton.get_state(), built))
    if config.hydra.runtime.choices["hydra/launcher"] in LOCAL:
        return ProcessSlots(count, payload, partial(slot_environment, count=count))
    place = Path(WORKERS, f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
    mailboxes = Path(config.hydra.sweep.dir).absolute() / place
    workplace = Workplace(mailboxes, ownership.me(), payload, _environment(config, count))
    launcher = Plugins.instance().instantiate_launcher(
        config=_without_logging(config), hydra_context=context, task_function=_Work(workplace)
    )
    if type(launcher).__name__ == "SlurmLauncher":
        watch_the_queue()
    overrides = [*passed, *_placed(config, place)]
    close = _started_ray(launcher) if _is_ray(launcher) else end_children
    launch = partial(_launch, launcher, overrides)
    return WorkerSlots(count, mailboxes, workplace.owner, launch, close)


def threads_of_a_trial(config: DictConfig, count: int) -> int:
    """CPU threads for a trial: those that the launcher reserves, else a fair share."""
    for key in ("cpus_per_task", "ray.remote.num_cpus"):
        reserved = OmegaConf.select(config.hydra.launcher, key)
        if reserved:
            return max(1, int(reserved))
    return threads_of_a_slot(count)


@dataclass
class _Work:
    """The task of a worker's job."""

    workplace: Workplace
    __name__ = "work"

    def __call__(self, config: DictConfig) -> None:
        self.workplace.work(HydraConfig.get().job.num)


def _launch(launcher: Launcher, overrides: Sequence[str], number: int) -> None:
    try:
        (done,) = launcher.launch([list(overrides)], initial_job_idx=number)
        _ = done.return_value  # raises what the job has raised
    except Exception as error:
        if not type(error).__module__.startswith("submitit"):
            raise
        raise SearchError(last_word(error)) from error


def _placed(config: DictConfig, place: Path) -> list[str]:
    """The overrides that put a worker's own log beside its mailbox."""
    return [
        override("hydra.sweep.dir", str(config.hydra.sweep.dir)),
        override("hydra.sweep.subdir", f"{place}/${{hydra.job.num}}"),
        "hydra.output_subdir=null",
        "hydra.job.chdir=false",
    ]


def _environment(config: DictConfig, count: int) -> dict[str, str]:
    threads = str(threads_of_a_trial(config, count))
    # Lightning would take a job of SLURM for its own affair, and requeue it by itself
    return {**dict.fromkeys(THREADS, threads), "SLURM_JOB_NAME": "interactive"}


def _without_logging(config: DictConfig) -> DictConfig:
    """`config` for a launcher, which would set up the logging of the sweep anew for each job."""
    quiet = copy.deepcopy(config)
    with read_write(quiet.hydra):
        quiet.hydra.hydra_logging = {"version": 1, "root": None}
    for name in ("hydra_submitit_launcher", "hydra_ray_launcher"):
        logging.getLogger(f"hydra_plugins.{name}").setLevel(logging.WARNING)
    return quiet


def _is_ray(launcher: Launcher) -> bool:
    return type(launcher).__name__ == "RayLauncher"


def _started_ray(launcher: Any) -> Callable[[], None]:
    """Start or join Ray here, for threads that do so at once disturb each other; returns its end.

    A Ray that was started here ends with the search, one that was joined goes on.
    """
    import ray
    from hydra_plugins.hydra_ray_launcher._launcher_util import start_ray

    start_ray(OmegaConf.create(OmegaConf.to_container(launcher.ray_cfg.init, resolve=True)))
    end: Callable[[], None] = ray.shutdown
    return end


def _pickled(runner: SlotRunner) -> bytes:
    try:
        pickled: bytes = cloudpickle.dumps(runner)
    except Exception as error:
        raise SearchError(
            f"the task function cannot be sent to the processes of the trials: {error}; "
            "define it at the top level of its file, and make there what cannot be pickled"
        ) from error
    return pickled
