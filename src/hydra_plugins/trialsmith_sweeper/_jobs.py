"""Runs a trial as a Hydra job, in a slot of ours or wherever another launcher puts it."""

import logging
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from hydra._internal.utils import _locate
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.core.utils import run_job, setup_globals
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from hydra_plugins.trialsmith_sweeper._attach import current_trial
from trialsmith.search import memory
from trialsmith.search.outcome import Outcome, TrialLost, outcome_of, outcome_of_error
from trialsmith.search.trial import TrialHandle
from trialsmith.search.worker import Job, console_in

log = logging.getLogger(__name__)


class RecordedTask:
    """A task function whose end, however bad, is an `Outcome`, stored with the trial as well.

    Hydra never sees the exception, so it neither aborts the sweep nor prints a traceback.
    """

    def __init__(self, task: TaskFunction) -> None:
        self.task = task
        self.__name__ = getattr(task, "__name__", "task")
        self.__module__ = getattr(task, "__module__", __name__)

    def __call__(self, config: DictConfig) -> Outcome:
        begun = time.monotonic()
        outcome = outcome_of(lambda: self._run(config))
        if outcome.traceback:
            _log_to_files(outcome.traceback)
        elif outcome.failure:
            _log_to_files(f"{outcome.failure}: {outcome.message}")
        trial = current_trial()
        with suppress(TrialLost):
            if trial is not None:
                trial.annotate(
                    seconds=round(time.monotonic() - begun, 3),
                    peak_memory_MB=memory.peak_megabytes(),
                    result=outcome.record(),
                )
        return outcome

    def _run(self, config: DictConfig) -> Any:
        trial = current_trial()
        if trial is not None:
            _introduce(trial, config)
        return self.task(config)


def _introduce(trial: TrialHandle, config: DictConfig) -> None:
    hydra = HydraConfig.get()
    study = Path(hydra.runtime.cwd, hydra.sweep.dir)
    folder = Path(hydra.runtime.output_dir)
    facts: dict[str, Any] = {
        "folder": str(folder.relative_to(study)) if folder.is_relative_to(study) else str(folder)
    }
    if isinstance(config.get("seed"), int):
        facts["seed"] = config.seed
    trial.annotate(**facts)


def _log_to_files(text: str) -> None:
    """Into the trial's own log; the sweep says on the screen what is worth saying."""
    record = log.makeRecord(log.name, logging.ERROR, __file__, 0, text, (), None)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(record)


@dataclass
class SlotRunner:
    """What a slot's process does with a job: Hydra's own way of running one.

    Attributes:
        singletons: Hydra's global state in the sweep's process.
        built: dotted names of what most jobs build.
        folder: where the sweep was started.
    """

    context: HydraContext
    master: DictConfig
    task: RecordedTask
    singletons: Any
    built: Sequence[str] = ()
    folder: Path = field(default_factory=Path.cwd)
    _printed: bytes = field(default=b"", init=False)

    def get_ready(self) -> None:
        """Import what the jobs build, which takes seconds.

        What cannot be imported is the matter of the job that wants it, and what is printed goes
        to the console of the first one.
        """
        self._set_up()
        # on a full disk the jobs import for themselves
        with suppress(OSError), tempfile.TemporaryFile() as console:
            with console_in(console):
                for name in self.built:
                    with suppress(BaseException):
                        _locate(name)
            console.seek(0)
            self._printed = console.read()

    def __call__(self, job: Job) -> Outcome:
        try:
            os.chdir(self.folder)  # the last trial may have left it
            self._set_up()
            config = self._compose(job)
            HydraConfig.instance().set_config(config)
            with self._console(_folder(config)) as console, console_in(console):
                done = run_job(
                    hydra_context=self.context,
                    task_function=self.task,
                    config=config,
                    job_dir_key="hydra.sweep.dir",
                    job_subdir_key="hydra.sweep.subdir",
                )
            return _outcome(done.return_value)
        except BaseException as error:  # Ctrl-C does not reach a slot: it is the task's own
            return outcome_of_error(error)

    def _set_up(self) -> None:
        setup_globals()
        Singleton.set_state(self.singletons)

    def _console(self, folder: Path) -> IO[bytes]:
        """A job's own console, open at its end."""
        folder.mkdir(parents=True, exist_ok=True)
        console = (folder / "console.log").open("ab", buffering=0)
        console.write(self._printed)
        self._printed = b""
        return console

    def _compose(self, job: Job) -> DictConfig:
        loader: Any = self.context.config_loader
        config: DictConfig = loader.load_sweep_config(self.master, list(job.overrides))
        with open_dict(config):
            config.hydra.job.id = f"{config.hydra.job.name}_{job.number}"
            config.hydra.job.num = job.number
        return config


def _outcome(value: Any) -> Outcome:
    assert isinstance(value, Outcome)  # the task is a RecordedTask
    return value


def _folder(config: DictConfig) -> Path:
    return Path(OmegaConf.select(config, "hydra.sweep.dir")) / str(
        OmegaConf.select(config, "hydra.sweep.subdir")
    )
