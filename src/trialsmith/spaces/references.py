"""Values that follow others: what they name, whether that exists, and that they do not circle."""

from collections import defaultdict
from collections.abc import Iterable

from trialsmith.search.nearest import suggestion
from trialsmith.spaces.keys import Key, parsed, shown
from trialsmith.spaces.mistakes import Mistake


class Existing:
    """Every key of a tree, parts as well as leaves."""

    def __init__(self, leaves: Iterable[Key]) -> None:
        self._keys: dict[Key, None] = {}
        self._items: dict[Key, set[int]] = defaultdict(set)
        for leaf in leaves:
            for end in range(1, len(leaf) + 1):
                self._keys[leaf[:end]] = None
                if isinstance(last := leaf[end - 1], int):
                    self._items[leaf[: end - 1]].add(last)

    def __contains__(self, key: Key) -> bool:
        return key in self._keys

    def find(self, text: str) -> Key:
        """The key that `text` names, `[-1]` as the number of the last item.

        Raises:
            Mistake: there is none; names the nearest.
        """
        key = parsed(text)
        if key is None:
            raise Mistake(f"{text!r}, which is no name of a value: write model.layers[0].out_dim")
        found: Key = ()
        for part in key:
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

    def nearest(self, text: str) -> str:
        """`: did you mean …?`, or nothing."""
        return suggestion(text, [shown(key) for key in self._keys])


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
