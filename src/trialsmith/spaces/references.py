"""Values that follow others: what they name, whether that exists, and that they do not circle."""

from collections import defaultdict
from typing import Any

from trialsmith.search.nearest import suggestion
from trialsmith.spaces.keys import Key, parsed, shown
from trialsmith.spaces.leaves import Coupled, Searched, Tree, values_of
from trialsmith.spaces.mistakes import Mistake, Place

ONE = "one value"


class Existing:
    """Every key of a tree, parts as well as leaves."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._keys: dict[Key, None] = {}
        self._items: dict[Key, set[int]] = defaultdict(set)
        for leaf in tree:
            for end in range(1, len(leaf) + 1):
                self._keys[leaf[:end]] = None
                if isinstance(last := leaf[end - 1], int):
                    self._items[leaf[: end - 1]].add(last)

    def __contains__(self, key: Key) -> bool:
        return key in self._keys

    def find(self, text: str) -> Key:
        """The key that `text` names, `[-1]` as the number of the last item.

        It may lead into what is searched as a whole, such as a list, where all choices have it.

        Raises:
            Mistake: there is none; names the nearest.
        """
        key = parsed(text)
        if key is None:
            raise Mistake(f"{text!r}, which is no name of a value: write model.layers[0].out_dim")
        found: Key = ()
        for end, part in enumerate(key):
            if isinstance(self._tree.get(found), Searched | Coupled):
                return (*found, *self._inside(found, key[end:], text))
            if isinstance(part, int) and (count := len(self._items[found])):
                if not -count <= part < count:
                    raise Mistake(
                        f"{text}, which does not exist: {shown(found)} has {count} items, "
                        f"[0] to [{count - 1}]"
                    )
                part %= count
            found = (*found, part)
            if found not in self._keys:
                raise Mistake(f"{text}, which does not exist{self.nearest(text)}")
        return found

    def kind(self, key: Key) -> str:
        """Whether a list, a mapping or one value stands at `key`; "" where it varies."""
        above = next((key[:end] for end in range(1, len(key) + 1) if key[:end] in self._tree), None)
        if above is None:
            return "a list" if self._items[key] else "a mapping"
        values = [_part(value, key[len(above) :]) for value in values_of(self._tree[above])]
        kinds = {_kind(value) for value in values if value is not None}
        return kinds.pop() if len(kinds) == 1 else ""

    def place(self, key: Key) -> Place:
        """Where `key`, or the first leaf below it, is written."""
        return next(leaf.place for other, leaf in self._tree.items() if related(other, key))

    def _inside(self, leaf: Key, path: Key, text: str) -> Key:
        """`path` from what is searched as a whole, `[-1]` as a number."""
        values = values_of(self._tree[leaf])
        found = [_path(value, path) for value in values]
        if not any(found):
            raise Mistake(f"{text}, which does not exist{self.nearest(text)}")
        if found[0] is not None and len(set(found)) == 1:
            return found[0]
        lengths = {len(value) if isinstance(value, list) else None for value in values}
        uneven = None not in found or (None not in lengths and len(lengths) > 1)
        why = "its choices have different lengths" if uneven else "not all its choices have it"
        raise Mistake(
            f"{text}, and {shown(leaf)} is searched as a whole at {self._tree[leaf].place}, and "
            f"{why}: name what all have"
        )

    def nearest(self, text: str) -> str:
        """`: did you mean …?`, or nothing."""
        return suggestion(text, [shown(key) for key in self._keys])


def _path(value: Any, path: Key) -> Key | None:
    """`path` as it leads into a value, `[-1]` as a number; None where it does not."""
    found: list[str | int] = []
    for part in path:
        if isinstance(value, list) and isinstance(part, int) and -len(value) <= part < len(value):
            part %= len(value)
        elif not isinstance(value, dict) or part not in value:
            return None
        found.append(part)
        value = value[part]
    return tuple(found)


def _part(value: Any, path: Key) -> Any:
    for part in path:
        value = value[part]
    return value


def _kind(value: Any) -> str:
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else ONE


def cycles(links: dict[Key, Key]) -> list[list[Key]]:
    """Each circle of values that follow each other, from a value to itself again.

    Args:
        links: key of a value that follows → key of what it follows, which may be a whole part and
            then holds what its leaves follow.
    """
    found: list[list[Key]] = []
    settled: set[Key] = set()

    def visit(key: Key, path: list[Key]) -> None:
        if key in path:
            circle = path[path.index(key) :]
            if not any(set(circle) == set(other) for other in found):
                found.append([*circle, key])
            return
        if key in settled:
            return
        for other in links:
            if related(links[key], other):
                visit(other, [*path, key])
        settled.add(key)

    for key in links:
        visit(key, [])
    return found


def related(one: Key, other: Key) -> bool:
    """Whether one of them is the other, or a part of it."""
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]
