"""A converted space as a search file of ours, each line with where it came from."""

from collections.abc import Mapping, Sequence
from typing import Any

from trialsmith import yaml12
from trialsmith.spaces.conversion import Converted
from trialsmith.spaces.keys import Key, dotted
from trialsmith.spaces.leaves import Coupled, Follows, Given, Leaf, Searched, Tree, nested

COLUMN = 60  # where comments begin, unless a line is longer

Line = tuple[str, str]
"""A line of YAML and its comment."""


def config_lines(tree: Tree, links: Mapping[Key, Key]) -> list[Line]:
    """The values of the configuration, in the order of the files.

    Args:
        links: key of what follows → key of what it follows.
    """
    return _lines(nested(tree), links, 0)


def entry_lines(converted: Converted, indent: int) -> list[Line]:
    """The entries of `hydra.sweeper.params`."""
    lines: list[Line] = []
    for key, entry in converted.entries.items():
        place = converted.tree[key].place.short
        name = flow(dotted(key))
        if isinstance(entry, list):
            lines.append((f"{' ' * indent}{name}:", place))
            lines += [(f"{' ' * indent}  - {flow(branch)}", "") for branch in entry]
        else:
            lines.append((f"{' ' * indent}{name}: {flow(entry)}", place))
    return lines


def text_of(lines: Sequence[Line]) -> list[str]:
    """Lines with their comments in one column."""
    widest = max((len(text) for text, comment in lines if comment), default=0)
    column = min(widest + 2, COLUMN)
    return [f"{text:<{column - 2}}  # {comment}" if comment else text for text, comment in lines]


def _lines(node: Any, links: Mapping[Key, Key], indent: int, key: Key = ()) -> list[Line]:
    space = " " * indent
    lines: list[Line] = []
    if isinstance(node, dict):
        for name, part in node.items():
            lines += _item(f"{space}{flow(name)}:", part, links, indent + 2, (*key, name))
    else:
        for k, part in enumerate(node):
            if isinstance(part, dict):  # the first name stands beside the dash
                inner = _lines(part, links, indent + 2, (*key, k))
                first, comment = inner[0]
                lines += [(f"{space}- {first.lstrip()}", comment), *inner[1:]]
            else:
                lines += _item(f"{space}-", part, links, indent + 2, (*key, k))
    return lines


def _item(begin: str, part: Any, links: Mapping[Key, Key], indent: int, key: Key) -> list[Line]:
    if isinstance(part, list) and all(isinstance(item, Given) for item in part):
        value = [item.value for item in part]
        return [(f"{begin} {flow(value)}", part[0].place.short)]
    if isinstance(part, dict | list):
        return [(begin, ""), *_lines(part, links, indent, key)]
    text, comment = _leaf(part, links, key)
    return [(f"{begin} {text}", comment)]


def _leaf(leaf: Leaf, links: Mapping[Key, Key], key: Key) -> Line:
    if isinstance(leaf, Follows):
        return f"${{{dotted(links[key])}}}", f"{leaf.place.short}: {leaf.target}"
    if isinstance(leaf, Searched | Coupled):
        return flow(leaf.start), f"searched below, {leaf.place.short}"
    return flow(leaf.value), leaf.place.short


def flow(value: Any) -> str:
    """A value on one line."""
    return yaml12.dump([value], flow=True).strip()[1:-1]
