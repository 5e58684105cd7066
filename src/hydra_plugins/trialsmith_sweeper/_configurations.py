"""The configurations that a search would make, looked at before it makes them."""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from hydra.core.config_loader import ConfigLoader
from hydra.errors import HydraException
from omegaconf import DictConfig, ListConfig, OmegaConf, read_write
from omegaconf.errors import OmegaConfBaseException

from hydra_plugins.trialsmith_sweeper._quoting import override
from hydra_plugins.trialsmith_sweeper._secrets import KEY as STORAGE
from trialsmith.errors import SearchError
from trialsmith.search.domains import identity
from trialsmith.search.nearest import suggestion
from trialsmith.search.space import Point, Space

SAMPLES = 200  # random points that are looked at for the config groups they choose


class Configurations:
    """Composes configurations of the program that is searched.

    Args:
        master: the sweep's own configuration.
        passed: overrides that every trial gets.
    """

    def __init__(self, master: DictConfig, loader: ConfigLoader, passed: Sequence[str]) -> None:
        self.master = master
        self.passed = list(passed)
        self._loader = loader

    def options(self, key: str) -> list[str]:
        """The configs of the group `key`; none when it is no group."""
        group = key.lstrip("+").partition("@")[0]
        return [] if "." in group else self._loader.get_group_options(group)

    def overrides(self, point: Point) -> list[str]:
        """`point` as overrides; the choices of config groups go without quotes."""
        return [override(key, value, bare=bool(self.options(key))) for key, value in point.items()]

    def compose(self, point: Point) -> DictConfig:
        """A trial's configuration.

        Raises:
            SearchError: Hydra cannot compose it.
        """
        lines = [*self.overrides(point), *self.passed]
        try:
            return self._loader.load_sweep_config(self.master, lines)
        except (HydraException, OmegaConfBaseException) as error:
            reason = " ".join(filter(None, [str(error), str(error.__cause__ or "")])).strip()
            raise SearchError(f"{' '.join(lines)} cannot be composed: {reason}") from None

    def settle_storage(self, storage: str) -> None:
        """Say where the study is, in the sweep's configuration and, for Hydra compares, in all."""
        with read_write(self.master.hydra.sweeper):
            self.master.hydra.sweeper.storage = storage
        self.passed.append(override(STORAGE, storage))

    def built(self, allowed: Any) -> list[str]:
        """What of `allowed`, the program's execution whitelist, trials build by default.

        Nothing where jobs have an environment of their own, which imports may read.
        """
        if not isinstance(allowed, Sequence):  # none at all: nobody said what is trusted
            return []
        try:
            config = self.compose({})
        except SearchError:  # there is no default
            return []
        if config.hydra.job.env_set:
            return []
        named = [str(value) for key, value in leaves(config).items() if key.endswith("_target_")]
        return [name for name in named if any(fnmatchcase(name, entry) for entry in allowed)]

    def known(self, keys: Iterable[str], config: DictConfig | None = None) -> dict[str, Any]:
        """The configured values of `keys`: the choice of a group, else the value of a key.

        Args:
            config: to look in; None: the sweep's own.
        """
        config = self.master if config is None else config
        choices = config.hydra.runtime.choices
        found = {}
        for key in keys:
            if self.options(key) and key in choices:
                found[key] = choices[key]
            elif exists(config, key):
                found[key] = plain(OmegaConf.select(config, key))
        return found

    def problems(self, space: Space) -> list[str]:
        """Parameters whose key does not exist where they take part, and groups without a choice.

        One configuration is composed for each set of config groups that the space can choose.
        """
        found = self._unknown_options(space)
        if found:
            return found
        for point, others in self._representatives(space):
            config = self.compose({key: point[key] for key in point if self.options(key)})
            names = list(leaves(config))
            where = ", ".join(f"{key}={point[key]}" for key in point if self.options(key))
            for key in others:
                if key.startswith("+") or self.options(key) or exists(config, key):
                    continue
                found.append(
                    f"{key} is not a key of the configuration"
                    f"{f' where {where}' if where else ''}{suggestion(key, names)}"
                )
        return list(dict.fromkeys(found))

    def _unknown_options(self, space: Space) -> list[str]:
        found = []
        for parameter in space.parameters:
            options = self.options(parameter.key)
            for branch in parameter.branches if options else ():
                for value in branch.domain.values():
                    if value is not None and value not in options:
                        hint = suggestion(str(value), options) or f": choose {', '.join(options)}"
                        found.append(f"{parameter.key}={value} is not a config of its group{hint}")
        return found

    def _representatives(self, space: Space) -> Iterator[tuple[Point, list[str]]]:
        """For each choice of config groups a point, and the keys that take part in any like it."""
        random = np.random.default_rng(0)
        seen: dict[str, tuple[Point, dict[str, None]]] = {}
        for point in [*_reaching(space, random), *(space.sample(random) for _ in range(SAMPLES))]:
            groups = {key: value for key, value in point.items() if self.options(key)}
            _, keys = seen.setdefault(identity(groups), (point, {}))
            keys.update(dict.fromkeys(point))
        return ((point, list(keys)) for point, keys in seen.values())


def _reaching(space: Space, random: np.random.Generator) -> Iterator[Point]:
    """Points in which the rare branches take part, one each."""
    for parameter in space.parameters:
        for branch in parameter.branches:
            given = {key: wanted[0] for key, wanted in branch.when.items() if wanted}
            yield space.sample(random, given)


def exists(config: DictConfig, key: str) -> bool:
    """Whether `key` stands in `config`, whatever its value."""
    try:
        parent, last, node = config._select_impl(
            key, throw_on_missing=False, throw_on_resolution_failure=False
        )
    except (OmegaConfBaseException, TypeError):
        return False
    if node is not None:
        return True
    return isinstance(parent, DictConfig) and not parent._is_none() and str(last) in parent


def leaves(config: DictConfig) -> dict[str, Any]:
    """Every leaf of a task's configuration by its dotted key, interpolations as written.

    A list is a leaf, unless it holds mappings: `layers.0.width`.
    """
    task: Any = OmegaConf.to_container(config, resolve=False)
    task.pop("hydra", None)
    found: dict[str, Any] = {}

    def walk(value: Any, prefix: str) -> None:
        if isinstance(value, list) and any(isinstance(item, dict) for item in value):
            value = dict(enumerate(value))
        if isinstance(value, dict) and value:
            for key, item in value.items():
                walk(item, f"{prefix}.{key}" if prefix else str(key))
        else:
            found[prefix] = value

    walk(task, "")
    return found


def plain(value: Any) -> Any:
    """`value` without OmegaConf's containers."""
    if isinstance(value, DictConfig | ListConfig):
        return OmegaConf.to_container(value, resolve=False)
    return value
