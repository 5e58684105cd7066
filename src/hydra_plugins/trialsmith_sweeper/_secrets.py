"""Takes the storage's credentials out of everything that a search writes, shows or hands on."""

import sys
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, read_write

from hydra_plugins.trialsmith_sweeper._quoting import override
from trialsmith.search.credentials import hand_over, without_credentials

KEY = "hydra.sweeper.storage"


def hide_credentials(config: DictConfig) -> None:
    """Put the storage's address without user and password in place of the one in `config`.

    Hydra's own copy of the configuration and the command line, which the provenance of each trial
    repeats, are cleaned as well. The trials find the full address in their environment.
    """
    url = config.hydra.sweeper.storage
    if url is None or without_credentials(url) == url:
        return
    shown = without_credentials(url)
    hand_over(url)
    _clean(config.hydra, shown)
    _clean(HydraConfig.get(), shown)
    sys.argv[:] = [word.replace(url, shown) for word in sys.argv]


def _clean(hydra: Any, shown: str) -> None:
    with read_write(hydra.sweeper):
        hydra.sweeper.storage = shown
    kept = [word for word in hydra.overrides.hydra if not _is_storage(word)]
    with read_write(hydra.overrides):
        # the trials' configurations are composed from the overrides
        hydra.overrides.hydra = [*kept, override(KEY, shown)]


def _is_storage(word: str) -> bool:
    return word.lstrip("+").partition("=")[0] == KEY
