"""Where the entries of `hydra.sweeper.params` stand, so that a mistake can be pointed at."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml
from omegaconf import DictConfig

from trialsmith import yaml12
from trialsmith.search.reading import dotted

GROUP = "hparams_search"


def with_lines(
    problems: list[str], config: DictConfig, on_command_line: Iterable[str] = ()
) -> list[str]:
    """`problems`, each of which begins with its key, with file and line of that key's entry.

    An entry of another file than the chosen one in `hparams_search` stays without.

    Args:
        on_command_line: keys whose sweep stands there, in place of the file's entry.
    """
    lines = dict(_lines(config)) if problems else {}
    lines |= dict.fromkeys(on_command_line, "command line")
    found = []
    for problem in problems:
        line = lines.get(problem.split(" ")[0].partition("=")[0].rstrip(":"))
        found.append(f"{line}: {problem}" if line else problem)
    return found


def _lines(config: DictConfig) -> Iterator[tuple[str, str]]:
    name = config.hydra.runtime.choices.get(GROUP)
    for source in config.hydra.runtime.config_sources:
        file = Path(source.path) / GROUP / f"{name}.yaml"
        if source.schema != "file" or not file.is_file():
            continue
        try:
            root = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml12.Loader)
        except (OSError, ValueError, yaml.YAMLError):
            continue  # Hydra read it before, so it has changed since
        for word in ("hydra", "sweeper", "params"):
            root = next((value for key, value in _items(root) if key.value == word), None)
        for key, _ in _items(root):
            yield dotted(str(key.value)), f"{os.path.relpath(file)}:{key.start_mark.line + 1}"


def _items(node: yaml.Node | None) -> list[tuple[yaml.Node, yaml.Node]]:
    return node.value if isinstance(node, yaml.MappingNode) else []
