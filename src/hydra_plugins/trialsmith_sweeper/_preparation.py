"""What comes before the first trial: mistakes that all would share are found, data are built."""

import os
import pickle
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
from hydra._internal.execution_policy import execution_whitelist
from hydra.core.singleton import Singleton
from hydra.core.utils import configure_log, setup_globals
from hydra.types import HydraContext
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hydra_plugins.trialsmith_sweeper._launchers import LOCAL
from hydra_plugins.trialsmith_sweeper._messages import mistake
from trialsmith.errors import DataError, SearchError, TrialsmithError
from trialsmith.search.signals import Interrupted, StopSignals
from trialsmith.search.worker import die_with

TICK = 0.1  # seconds


def prepare(node: str, config: DictConfig, context: HydraContext) -> None:
    """Instantiate `config`'s `node` and call its `prepare_data()`, in a process of its own.

    A mistake in the data then ends the search before its first trial, and the caches are there
    when all slots want them at once. The process ends afterwards: the sweep itself stays free of
    the training code.

    Raises:
        SearchError: there is no such node, or its preparation failed.
        TrialsmithError: what the preparation itself raised, such as a DataError.
        Interrupted: Ctrl-C or SIGTERM came meanwhile.
    """
    if OmegaConf.select(config, node) is None:
        raise SearchError(
            f"hydra.sweeper.prepare={node} is not a node of the configuration: "
            "name one that has prepare_data(), such as data, or null"
        )
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    payload = cloudpickle.dumps((node, config, context, Singleton.get_state()))
    process = spawn.Process(target=_prepare, args=(theirs, payload))
    with StopSignals() as signals:
        process.start()
        theirs.close()
        error = None
        awaited: list[Any] = [process.sentinel, ours]
        while process.is_alive() and signals.received is None:
            # taken while it lives: with a message longer than the pipe it waits for its reader
            if ours in wait(awaited, TICK):
                awaited.remove(ours)
                error = _received(ours)
        if signals.received is not None:
            process.kill()
            process.join()
            raise Interrupted(signals.received)
    if ours in awaited and ours.poll():
        error = _received(ours)
    if isinstance(error, TrialsmithError):
        raise error
    if process.exitcode != 0:
        raise SearchError(f"preparing {node} failed: {error or f'exit code {process.exitcode}'}")


def check(node: str, config: DictConfig, searched: Sequence[str], context: HydraContext) -> None:
    """Instantiate `config`'s `node` and have it look at what every trial has in common.

    Args:
        config: of a trial.
        searched: the keys of the space.

    Raises:
        TrialsmithError: what every trial would end with.
    """
    task: Any = OmegaConf.to_container(config, resolve=False)
    task.pop("hydra")
    written = OmegaConf.to_yaml(OmegaConf.create(task))
    values = {key: _resolved(config, key, as_written) for key, as_written in task.items()}
    here = config.hydra.runtime.choices["hydra/launcher"] in LOCAL
    try:
        with execution_whitelist(context.execution_whitelist):
            part = instantiate(OmegaConf.select(config, node))
        if not hasattr(part, "check"):
            raise SearchError(
                f"hydra.sweeper.checked_by={node} is not a node of the configuration that has "
                "check(): name one, such as task, or null"
            )
        part.check(values, written, searched, here)
    except Exception as error:
        message = mistake(error)
        if message is None:
            raise
        raise SearchError(message) from None


def _resolved(config: DictConfig, key: str, as_written: Any) -> Any:
    """A key's value; as it is written where only a job can tell it, such as its folder."""
    with suppress(OmegaConfBaseException):
        value = config[key]
        return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
    return as_written


def _received(pipe: Connection) -> Any:
    """What the process has sent, if anything; None too where it died meanwhile."""
    try:
        return pipe.recv()
    except (EOFError, OSError):
        return None


def _prepare(pipe: Connection, payload: bytes) -> None:
    die_with(os.getppid())
    node, config, context, state = pickle.loads(payload)
    setup_globals()
    Singleton.set_state(state)
    configure_log(config.hydra.hydra_logging, config.hydra.verbose, context.execution_whitelist)
    try:
        with execution_whitelist(context.execution_whitelist):
            instantiate(OmegaConf.select(config, node)).prepare_data()
    except Exception as error:
        pipe.send(_sendable(error))
        raise SystemExit(1) from (None if _expected(error) else error)


def _sendable(error: BaseException) -> Any:
    expected = _expected(error)
    return expected if expected is not None else f"{type(error).__name__}: {error}"


def _expected(error: BaseException) -> DataError | None:
    """The user's mistake behind `error`: Hydra wraps what a constructor raises."""
    message = mistake(error)
    return None if message is None else DataError(message)
