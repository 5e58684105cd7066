"""A YAML file with the line of everything in it, so that a mistake can be pointed at."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from trialsmith import yaml12
from trialsmith.spaces.keys import Key, shown
from trialsmith.spaces.mistakes import Mistakes, Place

PLAIN = {
    f"tag:yaml.org,2002:{kind}"
    for kind in ("null", "bool", "int", "float", "str", "seq", "map", "merge")
}


@dataclass(frozen=True)
class Node:
    """A part of a file.

    Attributes:
        content: `dict[str, Node]`, `list[Node]`, or a plain value.
        tag: such as `!sweep`; "" without one.
    """

    place: Place
    content: Any
    tag: str = ""

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.content, dict)

    @property
    def is_list(self) -> bool:
        return isinstance(self.content, list)

    @property
    def is_scalar(self) -> bool:
        return not self.is_mapping and not self.is_list

    @property
    def value(self) -> Any:
        """The plain value, without places."""
        if self.is_mapping:
            return {name: node.value for name, node in self.content.items()}
        return [node.value for node in self.content] if self.is_list else self.content

    def walk(self, key: Key = ()) -> "Iterator[tuple[Key, Node]]":
        """Every part with its key, the whole first."""
        yield key, self
        parts: Any = ()
        if self.is_mapping:
            parts = self.content.items()
        elif self.is_list:
            parts = enumerate(self.content)
        for name, node in parts:
            yield from node.walk((*key, name))


def read_document(path: Path, mistakes: Mistakes) -> Node | None:
    """The file as nodes; None where it cannot be read. What is wrong is noted."""
    start = Place(str(path), 1)
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml12.Loader)
    except OSError as error:
        mistakes.add(start, f"cannot be read: {error.strerror}")
        return None
    except UnicodeDecodeError:
        mistakes.add(start, "is not text in UTF-8")
        return None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(str(path), mark.line + 1 if mark else 1)
        words = [getattr(error, word, None) for word in ("context", "problem")]
        why = ", ".join(word for word in words if word) or str(error)
        mistakes.add(place, f"is not YAML: {why}")
        return None
    if root is None:
        return Node(start, {})
    for node, problem in yaml12.faults(root):
        mistakes.add(Place(str(path), _line(node)), problem)
        if problem == yaml12.ENDLESS:
            return None
    document = _Reader(str(path), mistakes).node(root, ())
    if document.is_mapping and not document.tag:
        return document
    mistakes.add(document.place, "must be a mapping of names, such as model: and training:")
    return None


class _Reader:
    def __init__(self, file: str, mistakes: Mistakes) -> None:
        self._file, self._mistakes = file, mistakes
        self._loader = yaml12.Loader("")

    def node(self, found: yaml.Node, key: Key) -> Node:
        place = Place(self._file, _line(found))
        tag = found.tag if found.tag.startswith("!") else ""
        if not tag and found.tag not in PLAIN:
            kind = found.tag.removeprefix("tag:yaml.org,2002:")
            self._mistakes.add(place, f"{shown(key)} has the tag !!{kind}, which is no plain value")
            return Node(place, None)
        if isinstance(found, yaml.MappingNode):
            try:
                self._loader.flatten_mapping(found)
            except yaml.YAMLError as error:
                why = getattr(error, "problem", None) or error
                self._mistakes.add(place, f"{shown(key)} has a << that cannot be merged: {why}")
            return Node(place, self._mapping(found, key), tag)
        if isinstance(found, yaml.SequenceNode):
            items = [self.node(item, (*key, k)) for k, item in enumerate(found.value)]
            return Node(place, items, tag)
        assert isinstance(found, yaml.ScalarNode)
        return Node(place, self._scalar(found, tag, place, key), tag)

    def _mapping(self, found: yaml.MappingNode, key: Key) -> dict[str, Node]:
        content = {}
        for name, value in found.value:
            if not isinstance(name, yaml.ScalarNode) or not name.tag.endswith(":str"):
                place = Place(self._file, _line(name))
                written = name.value if isinstance(name, yaml.ScalarNode) else "a list or mapping"
                self._mistakes.add(
                    place, f"{shown(key) or 'the file'} has the key {written}: keys are texts"
                )
                continue
            part = self.node(value, (*key, name.value))
            # where its name stands, not where the first line below begins
            content[name.value] = replace(part, place=Place(self._file, _line(name)))
        return content

    def _scalar(self, found: yaml.ScalarNode, tag: str, place: Place, key: Key) -> Any:
        if tag:  # `!reference model.x`: the tag hides what kind of value it is
            kind = self._loader.resolve(yaml.ScalarNode, found.value, (found.style is None, False))
            found = yaml.ScalarNode(kind, found.value, found.start_mark, style=found.style)
        try:
            return self._loader.construct_object(found)
        except (yaml.YAMLError, ValueError) as error:
            why = getattr(error, "problem", None) or error
            self._mistakes.add(place, f"{shown(key)} cannot be read: {why}")
            return None


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1
