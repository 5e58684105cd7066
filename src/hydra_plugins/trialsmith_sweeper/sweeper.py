"""The sweeper that Hydra instantiates. Thin: what it does stands in `_assembly`."""

import sys
from typing import Any

from hydra.errors import CompactHydraException
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from hydra_plugins.trialsmith_sweeper import config as config  # registers the config groups


class SearchStopped(CompactHydraException):
    """A search that cannot go on; Hydra prints the message alone and exits with 1."""


class TrialsmithSweeper(Sweeper):
    """Searches for the best configuration; `config.TrialsmithSweeperConf` says what can be set."""

    def __init__(self, **settings: Any) -> None:
        # read from the whole configuration in `setup`, where interpolations have their roots
        pass

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.hydra_context = hydra_context
        self.config = config
        self.launcher = None  # made when the study has its folder
        self._task = task_function

    def sweep(self, arguments: list[str]) -> None:
        """Run the search that the configuration and the task's overrides describe.

        Raises:
            SearchStopped: it cannot begin or go on.
            SystemExit: 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP.
        """
        # imported here: Hydra loads this module at every start of every program
        from hydra_plugins.trialsmith_sweeper._assembly import search
        from trialsmith.errors import TrialsmithError
        from trialsmith.search.outcome import cannot_write, unwritable
        from trialsmith.search.signals import Interrupted

        assert self.config is not None
        assert self.hydra_context is not None
        try:
            search(self.config, self.hydra_context, self._task, arguments)
        except TrialsmithError as error:
            raise SearchStopped(str(error)) from None
        except Exception as error:
            if not cannot_write(error):
                raise
            raise SearchStopped(unwritable(error)) from None
        except Interrupted as stop:
            sys.exit(stop.exit_code)
        except KeyboardInterrupt:  # before the first trial, after the last, or the second one
            sys.exit(130)
