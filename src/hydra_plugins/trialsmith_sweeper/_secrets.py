"""Takes the storage's credentials out of everything that a search writes, shows or hands on."""

import sys
from collections.abc import Sequence
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, read_write

from hydra_plugins.trialsmith_sweeper._quoting import override
from trialsmith.search.credentials import hand_over, without_credentials, word_without_credentials

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
    words = [word.replace(url, shown) for word in sys.argv]
    sys.argv[:] = [w if word_without_credentials(w) == w else _cleaned(w, shown) for w in words]


def _clean(hydra: Any, shown: str) -> None:
    with read_write(hydra.sweeper):
        hydra.sweeper.storage = shown
    # as they were written: resolved, `${oc.env:TRIALSMITH_STORAGE}` would be the full address
    words: Any = OmegaConf.to_container(hydra.overrides.hydra, resolve=False)
    kept = [_cleaned(word, shown) for word in words if _key(word) != KEY]
    with read_write(hydra.overrides):
        # the trials' configurations are composed from the overrides
        hydra.overrides.hydra = [*kept, override(KEY, shown)]


def _key(word: str) -> str:
    return word.lstrip("+").partition("=")[0]


def _cleaned(word: str, shown: str) -> str:
    """The override `word` with `shown` for the storage, if it sets that.

    It is read as Hydra reads it, for a word may have the address with escapes, or in a mapping.
    """
    name, sign, _ = word.partition("=")
    if not sign or not f"{KEY}.".startswith(f"{_key(word)}."):
        return word
    value = OverridesParser.create().parse_override(word).value()
    below = KEY.removeprefix(_key(word)).split(".")[1:]
    return override(name, _replaced(value, below, shown))


def _replaced(value: Any, below: Sequence[str], shown: str) -> Any:
    """`value` with `shown` for what stands at the path `below`, if there is such a place."""
    if not below:
        return shown
    if not isinstance(value, dict) or below[0] not in value:
        return value
    return {**value, below[0]: _replaced(value[below[0]], below[1:], shown)}
