"""What a value of a search space may be, whichever form of file said it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trialsmith.search.domains import Choices, Domain
from trialsmith.spaces.keys import Key
from trialsmith.spaces.mistakes import Place


@dataclass(frozen=True)
class Given:
    """A value that stays as it is."""

    place: Place
    value: Any


@dataclass(frozen=True)
class Searched:
    """One of the values of `domain`; `start` is what a single run takes."""

    place: Place
    domain: Domain
    start: Any


@dataclass(frozen=True)
class Coupled:
    """The k-th of `values` where `target`, or what that is coupled to, has its k-th choice."""

    place: Place
    target: str
    values: tuple[Any, ...]
    start: Any


@dataclass(frozen=True)
class Follows:
    """The value of `target`, whatever that becomes."""

    place: Place
    target: str


Leaf = Given | Searched | Coupled | Follows
Tree = dict[Key, Leaf]
"""Every leaf of a configuration by its key, in the order of the file; empty lists and mappings
are leaves, too."""


def values_of(leaf: Leaf) -> tuple[Any, ...]:
    """What may stand at a leaf; of a range its first value only, for all are alike."""
    if isinstance(leaf, Coupled):
        return leaf.values
    if isinstance(leaf, Searched):
        domain = leaf.domain
        return domain.options if isinstance(domain, Choices) else (next(domain.values()),)
    return (leaf.value,) if isinstance(leaf, Given) else ()


def nested(tree: Mapping[Key, Any]) -> Any:
    """Leaves as mappings and lists."""
    if list(tree) == [()]:
        return tree[()]
    parts: dict[str | int, dict[Key, Any]] = {}
    for key, leaf in tree.items():
        parts.setdefault(key[0], {})[key[1:]] = leaf
    if parts and all(isinstance(name, int) for name in parts):
        return [nested(parts[k]) for k in sorted(parts)]
    return {name: nested(part) for name, part in parts.items()}
