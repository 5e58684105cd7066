"""Base settings and a search space become one tree of leaves.

Both files have the same shape, so the base settings tell a choice from a value: a list over one
value offers choices, a list over a list is a value, and a list of lists over a list of values
offers lists, or choices for each item where the base list itself is not among them. In a tagged
file, or without base settings, only a tag searches.
"""

import re
from collections.abc import Callable
from typing import Any, NoReturn

from trialsmith import yaml12
from trialsmith.search.domains import Choices, Domain, identity
from trialsmith.search.nearest import suggestion
from trialsmith.spaces.document import Node
from trialsmith.spaces.keys import Key, shown
from trialsmith.spaces.leaves import Coupled, Follows, Given, Leaf, Searched, Tree
from trialsmith.spaces.mistakes import Mistake, Mistakes
from trialsmith.spaces.ranges import (
    TUPLE,
    choices,
    is_bare_range,
    is_tuple,
    read_coupled,
    read_range,
    read_reference,
    read_sweep,
    read_tuple,
    read_uniform,
)

DOMAINS = {"!sweep": read_sweep, "!range": read_range, "!random_uniform": read_uniform}
_INTERPOLATION = re.compile(r"\$\{\s*([\w\-.\[\]]+)\s*\}")
TAGS = (*DOMAINS, "!coupled-sweep", "!reference", "!pyobject")


def is_tagged(space: Node) -> bool:
    """Whether a file says by tags what is searched, were they all misspelled."""
    return any(node.tag for _, node in space.walk())


def leaves_of(node: Node, mistakes: Mistakes, key: Key = ()) -> Tree:
    """The leaves of settings that are values throughout."""
    return Merging(None, Node(node.place, {}), mistakes).values(key, node)


class Merging:
    """Merges one file into another.

    Args:
        base: None: there are no base settings, and the file is a tagged one.
        space: the whole file, to tell which form it has.
    """

    def __init__(self, base: Node | None, space: Node, mistakes: Mistakes) -> None:
        self._mistakes = mistakes
        self._tagged = base is None or is_tagged(space)
        self._has_base = base is not None
        self._file = base.place.file if base is not None else ""
        self._parts = list(base.content) if base is not None else []
        self._names = [shown(key) for key, _ in base.walk() if key] if base is not None else []

    def tree(self, key: Key, base: Node | None, space: Node | None) -> Tree:
        """The leaves at `key` and below, as the space says, else the base settings."""
        if space is None:
            return {} if base is None else self.values(key, base)
        if base is None and self._has_base and key:
            self._add(key, space, f"is not in {self._file}{self._hint(key)}")
            return {}
        if space.tag:
            return self._leaf(key, space, lambda: _of_tag(space, base))
        if is_tuple(space) and not (base is not None and base.is_mapping):
            return self._leaf(key, space, lambda: _range(space, base))
        if base is None or _is_null(base) or _is_null(space):
            return self._unlike(key, base, space)
        return self._alike(key, base, space)

    def values(self, key: Key, node: Node) -> Tree:
        """The leaves of values; what tags say in them."""
        if node.tag or not node.content or node.is_scalar:
            if node.tag:
                return self._leaf(key, node, lambda: _of_tag(node, None))
            return self._leaf(key, node, lambda: _value(node))
        if not self._has_base and is_tuple(node) and node.content["type"].value == "tuple":
            self._add(key, node, "is no range in a file with tags: write !range or !random_uniform")
        parts = node.content.items() if node.is_mapping else enumerate(node.content)
        found: Tree = {}
        for name, part in parts:
            found |= self.values((*key, name), part)
        return found

    def _unlike(self, key: Key, base: Node | None, space: Node) -> Tree:
        """Where the base settings say nothing of the shape."""
        if self._tagged or base is None or space.is_scalar:
            return self.values(key, space)
        if _is_undecided(space):
            self._add(
                key,
                space,
                f"has lists or ranges, and {base.place} has null, so choices cannot be told from "
                "values: give the same tree in the base settings",
            )
            return {key: Given(space.place, None)}
        if space.is_list:
            return self._leaf(key, space, lambda: _choice(space, base))
        return self.values(key, space)

    def _alike(self, key: Key, base: Node, space: Node) -> Tree:
        if base.is_mapping:
            if space.is_mapping:
                return self._fields(key, base, space)
            if space.is_list and not self._tagged:
                return self._leaf(key, space, lambda: _choice(space, base))
        elif base.is_list and space.is_list:
            return self._lists(key, base, space)
        elif base.is_scalar and space.is_scalar:
            return self._leaf(key, space, lambda: _value(space))
        elif base.is_scalar and space.is_list and not self._tagged:
            return self._leaf(key, space, lambda: _choice(space, base))
        problem = f"is {_kind(space)}, and {base.place} has {_kind(base)}"
        if space.is_mapping and {"type", "value"} & space.content.keys():
            problem += ": a range is {type: tuple, value: [min, max, step or true]}"
        self._add(key, space, problem)
        return {}

    def _fields(self, key: Key, base: Node, space: Node) -> Tree:
        found: Tree = {}
        for name in dict.fromkeys([*base.content, *space.content]):
            part = self.tree((*key, name), base.content.get(name), space.content.get(name))
            found |= part
        return found or {key: Given(space.place, {})}

    def _lists(self, key: Key, base: Node, space: Node) -> Tree:
        of_lists = bool(space.content) and all(item.is_list for item in space.content)
        if of_lists and not self._tagged and not any(item.is_list for item in base.content):
            if len(space.content) != len(base.content) or _holds(space, base):
                return self._leaf(key, space, lambda: _choice(space, base))
            if not all(map(_holds, space.content, base.content)):
                return self._leaf(key, space, lambda: _undecided(space, base))
        if len(base.content) != len(space.content):
            if self._tagged or not _may_search(space):
                return self.values(key, space)
            for k, (old, new) in enumerate(zip(base.content, space.content, strict=False)):
                self.tree((*key, k), old, new)  # for the mistakes in them
            self._add(
                key,
                space,
                f"has {len(space.content)} items, and {base.place} has {len(base.content)}: "
                "which of them are choices cannot be told; give both the same number",
            )
            return {}
        found: Tree = {}
        for k, (old, new) in enumerate(zip(base.content, space.content, strict=True)):
            found |= self.tree((*key, k), old, new)
        return found or {key: Given(space.place, [])}

    def _leaf(self, key: Key, node: Node, read: Callable[[], Leaf]) -> Tree:
        """What `read` gives; where that is a mistake, a value that others may still name."""
        try:
            return {key: read()}
        except Mistake as error:
            self._add(key, node, str(error))
            return {key: Given(node.place, None)}

    def _hint(self, key: Key) -> str:
        if "." in str(key[-1]):
            return ": a key has no dots, each part of a name stands in a mapping of its own"
        name = shown(key)
        top = suggestion(name, self._parts) if len(key) == 1 else ""
        return top or suggestion(name, self._names)

    def _add(self, key: Key, node: Node, problem: str) -> None:
        self._mistakes.add(node.place, f"{shown(key)} {problem}")


def _is_null(node: Node) -> bool:
    return node.content is None and not node.tag


def _start(domain: Domain, base: Node | None) -> Any:
    if base is None:
        return next(iter(domain.values()))
    if not isinstance(domain, Choices) and not base.is_scalar:
        raise Mistake(f"is a range of numbers, and {base.place} has {_kind(base)}")
    return base.value


def _choice(space: Node, base: Node) -> Leaf:
    _check_values(space, of_mappings=base.is_mapping)
    _check_texts(space)
    if base.is_scalar and is_bare_range(space):
        written = yaml12.dump(space.value, flow=True).strip()
        raise Mistake(
            f"has {written}, which is a range without its words: {TUPLE}. If these are choices, "
            "let the truth value come first"
        )
    for item in space.content:
        _check_shape(item, base)
    return Searched(space.place, choices(space.value), base.value)


def _holds(options: Node, base: Node) -> bool:
    """Whether the base value is among a list's items, as choices should have it."""
    return identity(base.value) in [identity(item.value) for item in options.content]


def _is_undecided(space: Node) -> bool:
    """Whether something in a mapping, or in mappings to choose among, could be searched or not.

    Where null is among the choices they are meant, and all in them is a value.
    """
    if space.is_list:
        whole = any(_is_null(item) for item in space.content)
        return not whole and any(item.is_mapping and _may_search(item) for item in space.content)
    return _may_search(space)


def _undecided(space: Node, base: Node) -> NoReturn:
    """Refuse as many lists as the base list has items, where it fits neither way to read them."""
    _check_values(space)
    written = yaml12.dump(base.value, flow=True).strip()
    raise Mistake(
        f"has {len(space.content)} lists, and {base.place} has {written}: for choices among whole "
        f"lists, let {written} be one of them; for choices of each item, let each list hold that "
        "item of the base settings"
    )


def _check_shape(item: Node, base: Node) -> None:
    if _kind(item) != _kind(base) and not _is_null(item) and not _is_null(base):
        raise Mistake(f"offers {_kind(item)} where {base.place} has {_kind(base)}")
    if item.is_mapping and base.is_mapping:
        for name in item.content.keys() & base.content.keys():
            _check_shape(item.content[name], base.content[name])


def _value(node: Node) -> Leaf:
    """What is neither searched nor tagged: a value, or an interpolation as Hydra writes them."""
    followed = _INTERPOLATION.fullmatch(node.value) if isinstance(node.value, str) else None
    if followed:
        return Follows(node.place, followed[1])
    _check_texts(node)
    return Given(node.place, node.value)


def _check_texts(node: Node) -> None:
    """Refuse texts that mean something else in a search file."""
    for _, part in node.walk():
        text = part.content
        if isinstance(text, str) and ("${" in text or text == "???"):
            raise Mistake(
                f"has {text!r}, which Hydra does not take for a text: of ${{}} only a whole "
                "${model.depth} can be taken over, and ??? stands for what is missing"
            )


def _range(space: Node, base: Node | None) -> Leaf:
    domain = read_tuple(space)
    return Searched(space.place, domain, _start(domain, base))


def _check_values(node: Node, of_mappings: bool = False) -> None:
    """Refuse what looks searched inside of choices, where it would be taken literally."""
    for key, part in node.walk():
        is_range = is_tuple(part) and not (of_mappings and len(key) == 1)
        if key and (is_range or part.tag not in ("", "!pyobject")):
            raise Mistake(f"has a range among its choices, at {part.place}: leave one out")


def _of_tag(node: Node, base: Node | None) -> Leaf:
    if node.tag in TAGS:
        _check_values(node)
        _check_texts(node)
    if node.tag == "!reference":
        return Follows(node.place, read_reference(node))
    if node.tag == "!coupled-sweep":
        target, values = read_coupled(node)
        return Coupled(node.place, target, values, values[0] if base is None else base.value)
    if node.tag == "!pyobject":
        return Given(node.place, node.value)
    if node.tag not in DOMAINS:
        raise Mistake(f"has the tag {node.tag}, unknown{suggestion(node.tag, TAGS)}")
    domain = DOMAINS[node.tag](node)
    return Searched(node.place, domain, _start(domain, base))


def _may_search(node: Node) -> bool:
    """Whether a part of a search space could be anything but a value."""
    inner = [part for key, part in node.walk() if key]
    return any(part.is_list or part.tag or is_tuple(part) for part in inner)


def _kind(node: Node) -> str:
    return "a mapping" if node.is_mapping else "a list" if node.is_list else "one value"
