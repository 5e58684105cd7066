"""The settings of a finished trial, from the configuration in its folder."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialsmith import yaml12
from trialsmith.errors import SearchError
from trialsmith.spaces.conversion import PARTS
from trialsmith.spaces.keys import Key, parsed
from trialsmith.spaces.leaves import nested

_REFERENCE = re.compile(r"\$\{([A-Za-z_][\w\-.\[\]]*)\}")


@dataclass(frozen=True)
class TrialSettings:
    """What a trial was made from.

    Attributes:
        values: resolved. Of a converted search the parts of its files, else everything; without
            what only the run itself decides, such as its folder.
        links: key of a value that follows another → key of that.
    """

    values: dict[str, Any]
    links: dict[Key, Key]


def trial_settings(trial: Path) -> TrialSettings:
    """The settings of the trial whose folder is `trial`.

    Raises:
        SearchError: it left no configuration.
    """
    file = trial / ".hydra" / "config.yaml"
    if not file.is_file():
        raise SearchError(f"the best trial left no configuration: there is no {file}")
    written = _yaml(file)
    resolved = trial / "config.yaml"
    # a program that leaves no resolved file: references are followed, all else stays as it stands
    config = _yaml(resolved) if resolved.is_file() else _followed(written, written, ())
    made = written.get(PARTS) or {"parts": [name for name in written if name != "hydra"]}
    choices = _choices(trial) if made.get("groups") else {}
    values = {group: choices.get(group) for group in made.get("groups", ())}
    values |= {name: config.get(name) for name in made["parts"]}
    own = _of_the_run(dict(leaves(written)), set(values))
    kept = {key: value for key, value in leaves(values) if key not in own}
    if PARTS in written:  # what Hydra builds from them was not in the files
        kept = {key: v for key, v in kept.items() if not re.fullmatch(r"_\w+_", str(key[-1]))}
    return TrialSettings(
        nested(kept) if kept else {},
        {key: target for key, target in _references(written) if key in kept},
    )


def leaves(value: Any, key: Key = ()) -> Iterator[tuple[Key, Any]]:
    """The leaves of plain values, empty lists and mappings among them, by their keys."""
    if not isinstance(value, dict | list) or not value:
        yield key, value
        return
    for name, part in value.items() if isinstance(value, dict) else enumerate(value):
        yield from leaves(part, (*key, name))


def _yaml(file: Path) -> dict[str, Any]:
    return yaml12.load(file.read_text(encoding="utf-8")) or {}


def _choices(trial: Path) -> dict[str, Any]:
    """The config of each group that the trial took."""
    node = _yaml(trial / ".hydra" / "hydra.yaml")["hydra"]["runtime"]
    return dict(node["choices"])


def _followed(value: Any, root: Any, seen: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {name: _followed(item, root, seen) for name, item in value.items()}
    if isinstance(value, list):
        return [_followed(item, root, seen) for item in value]
    found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if found is None or found[1] in seen:
        return value
    target = root
    try:
        for part in parsed(found[1]) or ():
            target = target[part]
    except (KeyError, IndexError, TypeError):
        return value
    return _followed(target, root, (*seen, found[1]))


def _of_the_run(written: dict[Key, Any], parts: set[str]) -> set[Key]:
    """Keys of the values that follow what is outside of `parts`, such as Hydra's folder."""
    found: set[Key] = set()
    while True:
        more = {
            key
            for key, value in written.items()
            if key not in found and isinstance(value, str) and _leads_out(value, parts, found)
        }
        if not more:
            return found
        found |= more


def _leads_out(text: str, parts: set[str], outside: set[Key]) -> bool:
    for name in re.findall(r"\$\{([^{}]*)\}", text):
        target = parsed(name)
        if target is None or target[0] not in parts or target in outside:
            return True
    return False


def _references(written: dict[str, Any]) -> Iterator[tuple[Key, Key]]:
    for key, value in leaves(written):
        found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
        target = parsed(found[1]) if found else None
        if target is not None:
            yield key, target
