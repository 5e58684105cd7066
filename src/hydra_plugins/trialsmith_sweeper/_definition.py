"""From the configuration and the command line to the space: all mistakes found, and named."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hydra_plugins.trialsmith_sweeper._command_line import CommandLine, read_command_line
from hydra_plugins.trialsmith_sweeper._configurations import Configurations, leaves
from hydra_plugins.trialsmith_sweeper._grammar import read_grammar
from hydra_plugins.trialsmith_sweeper._lines import with_lines
from hydra_plugins.trialsmith_sweeper._quoting import override
from trialsmith.errors import SearchError
from trialsmith.search import checking
from trialsmith.search.domains import Choices
from trialsmith.search.reading import Fixed, dotted, read, read_when
from trialsmith.search.space import Branch, Parameter, Point, Space
from trialsmith.search.waiting import check_points

DEFAULT = "default"  # in place of a point: the configuration's own values


@dataclass(frozen=True)
class Definition:
    """What is searched.

    Attributes:
        is_whole: nothing of it is still to be read from the stage before.
        settings: config key → value of the leaves that are not searched.
        enqueued: points to try first.
        defaults: the configuration's own values as a point; why there is none as a text.
    """

    space: Space
    is_whole: bool
    line: CommandLine
    configurations: Configurations
    settings: dict[str, Any]
    enqueued: list[Point]
    defaults: Point | str


def define(
    config: DictConfig,
    loader: ConfigLoader,
    arguments: list[str],
    inherited: Mapping[str, Any] | None = None,
) -> Definition:
    """Read and check the search.

    Args:
        inherited: entries that `hydra.sweeper.params` goes before; None: not known yet, so that
            there may be nothing to search.

    Raises:
        SearchError: names everything that is wrong.
    """
    line = read_command_line(arguments, loader)
    parameters, unread, fixed, found = _entries(config, line, inherited or {})
    found = [*line.problems.values(), *found]
    passed = [*line.passed, *(override(key, value) for key, value in fixed.items())]
    configurations = Configurations(config, loader, passed)
    known = _known(parameters, configurations, {**fixed, **line.fixed})
    found += checking.problems(parameters, known, leaves(config))
    if found:
        found += _others((*parameters, *unread), known, configurations)
        _refuse(with_lines(found, config, line.searched))

    space = checking.settled(parameters, known)
    is_whole = inherited is not None
    if not space.parameters and is_whole:
        raise SearchError(
            "there is nothing to search: give hydra.sweeper.params, hparams_search=NAME, or a "
            "sweep such as 'model.dropout=interval(0,0.5)'"
        )
    _refuse(with_lines(configurations.problems(space), config, line.searched))
    base = configurations.compose({})
    defaults = _defaults(space, configurations, base)
    enqueued = _enqueued(_plain(config.hydra.sweeper.enqueue) or [], defaults)
    check_points(space, enqueued if is_whole else _within(space, enqueued))
    searched = {key.lstrip("+") for key in space.keys}
    settings = {key: value for key, value in leaves(base).items() if not _is_within(key, searched)}
    return Definition(space, is_whole, line, configurations, settings, enqueued, defaults)


def _within(space: Space, points: list[Point]) -> list[Point]:
    """`points`, of which another search brings the rest of the space."""
    return [{key: value for key, value in p.items() if key in space.keys} for p in points]


def _defaults(space: Space, configurations: Configurations, base: DictConfig) -> Point | str:
    """What would be run without a search, as a point of it; else why it is none."""
    try:
        return space.point_of(configurations.known((k.lstrip("+") for k in space.keys), base))
    except (ValueError, OmegaConfBaseException) as error:
        return str(error)


def _enqueued(asked: Any, defaults: Point | str) -> list[Point]:
    """The points of `hydra.sweeper.enqueue`, in which `default` stands for the configuration's own.

    Raises:
        SearchError: it is no list of points, or the configuration's own values are no point.
    """
    points = []
    for point in asked if isinstance(asked, list) else [asked]:
        if point == DEFAULT:
            if isinstance(defaults, str):
                raise SearchError(
                    f"hydra.sweeper.enqueue={DEFAULT}: the configuration's own values are no point "
                    f"of the space: {defaults}. Give others on the command line, or a wider space"
                )
            points.append(defaults)
        elif isinstance(point, dict):
            points.append({dotted(str(key)): value for key, value in point.items()})
        else:
            raise SearchError(
                f"hydra.sweeper.enqueue holds {point!r}: give {DEFAULT}, or a list of points such "
                "as [{optimizer.lr: 0.001}]"
            )
    return points


def _entries(
    config: DictConfig, line: CommandLine, inherited: Mapping[str, Any]
) -> tuple[tuple[Parameter, ...], list[Parameter], dict[str, Any], list[str]]:
    """The parameters, stand-ins for those that cannot be read, the fixed values among the entries,
    and what is wrong.
    """
    entries = _plain(config.hydra.sweeper.params) or {}
    if not isinstance(entries, dict):
        raise SearchError("hydra.sweeper.params must be a mapping: config key → what it may be")
    parameters = dict(line.swept)
    unread: list[Parameter] = []
    fixed: dict[str, Any] = {}
    found = []
    taken = {key.lstrip("+") for key in (*line.fixed, *line.searched)}
    for written, entry in {**inherited, **entries}.items():
        key = dotted(str(written))
        if key.lstrip("+") in taken:
            continue
        try:
            item = read(key, entry, read_grammar)
        except ValueError as error:
            found.append(f"{key} {error}")
            unread.append(_stand_in(key, entry))
            continue
        if isinstance(item, Fixed):
            fixed[key] = item.value
        else:
            parameters[key] = item
    return tuple(parameters.values()), unread, fixed, found


def _stand_in(key: str, entry: Any) -> Parameter:
    """A parameter under the conditions of an entry that cannot be read, as far as they can be."""
    try:
        when = read_when(entry["when"]) if isinstance(entry, dict) and "when" in entry else {}
    except ValueError:
        when = {}
    return Parameter(key, (Branch(Choices((None,)), when),))


def _others(
    parameters: tuple[Parameter, ...], known: dict[str, Any], configurations: Configurations
) -> list[str]:
    """What is wrong beside the domains and conditions, so that one error names everything."""
    presumed = checking.presumed(parameters, known)
    try:
        return configurations.problems(presumed) if presumed else []
    except SearchError as error:
        return [str(error)]


def _known(
    parameters: tuple[Parameter, ...], configurations: Configurations, fixed: dict[str, Any]
) -> dict[str, Any]:
    """The values of the keys that stand in some `when` and are not searched."""
    asked = {key for p in parameters for branch in p.branches for key in branch.when}
    asked -= {parameter.key for parameter in parameters}
    known = configurations.known(asked - fixed.keys())
    return known | {key: fixed[key] for key in asked & fixed.keys()}


def _refuse(problems: list[str]) -> None:
    if problems:
        lines = "\n  ".join(problems)
        raise SearchError(f"the search cannot begin:\n  {lines}")


def _is_within(key: str, keys: set[str]) -> bool:
    return any(key == other or key.startswith(f"{other}.") for other in keys)


def _plain(node: Any) -> Any:
    return OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node
