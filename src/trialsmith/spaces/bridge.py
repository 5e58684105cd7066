"""From a group's names to ours: which of our configs read its settings, and by which keys.

The searched values keep the group's names. A key of ours follows them by an interpolation, so that
the search file shows the whole way: `optimizer.lr: ${training.learning_rate}`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trialsmith.spaces.document import Node, read_document
from trialsmith.spaces.keys import Key, parsed, shown
from trialsmith.spaces.leaves import Follows, Given, Tree
from trialsmith.spaces.merging import leaves_of
from trialsmith.spaces.mistakes import Mistake, Mistakes
from trialsmith.spaces.references import Existing, related

BUILT_IN = Path(__file__).with_name("bridges")
WORDS = ("known_by", "monitor", "choose", "config")


@dataclass(frozen=True)
class Bridge:
    """What a converted space needs to be searched with a program of ours.

    Attributes:
        file: where it is written.
        choose: config group → config.
        tree: keys of ours, with values or with what they follow.
        links: key of ours → the group's key.
    """

    file: Path
    choose: dict[str, str]
    tree: Tree
    links: dict[Key, Key]

    def reads(self, key: Key) -> bool:
        """Whether anything of ours reads the group's value at `key`."""
        followed = any(related(key, target) for target in self.links.values())
        return followed or key[0] in self.choose


def bridge_for(tree: Tree, file: Path | None, direction: str | None = None) -> Bridge | None:
    """The bridge in `file`, else the built-in one that knows the settings `tree`, if any.

    Args:
        direction: of the search; None: the first that the bridge has a monitor for.

    Raises:
        SearchError: `file` cannot be read, or follows what the settings do not have.
    """
    if file is not None:
        return _read(file, tree, direction, strict=True)
    return next(_built_in(tree, direction), None)


def _built_in(tree: Tree, direction: str | None) -> Iterator[Bridge]:
    existing = Existing(tree)
    for file in sorted(BUILT_IN.glob("*.yaml")):
        document = read_document(file, Mistakes())
        assert document is not None
        known_by = [parsed(name) for name in document.content["known_by"].value]
        if all(key is not None and key in existing for key in known_by):
            yield _read(file, tree, direction, strict=False)


def _read(file: Path, tree: Tree, direction: str | None, *, strict: bool) -> Bridge:
    """Args: strict: what the settings lack is a mistake; else it is left out."""
    mistakes = Mistakes()
    document = read_document(file, mistakes)
    mistakes.refuse("the bridge cannot be read")
    assert document is not None
    _check_words(document, mistakes)
    mistakes.refuse("the bridge cannot be read")
    parts = {word: document.content.get(word, Node(document.place, {})) for word in WORDS}
    ours = leaves_of(parts["config"], mistakes)
    ours |= _monitored(parts["monitor"], direction, mistakes)
    links = _linked(ours, tree, strict, mistakes)
    for key, leaf in ours.items():
        if any(related(key, other) for other in tree):
            mistakes.add(leaf.place, f"{shown(key)} is among the settings, too")
    mistakes.refuse("the bridge cannot be read")
    return Bridge(file, parts["choose"].value, ours, links)


def _check_words(document: Node, mistakes: Mistakes) -> None:
    for word, node in document.content.items():
        if word not in WORDS:
            mistakes.add(node.place, f"{word} is none of {', '.join(WORDS)}")
        elif word != "known_by" and not node.is_mapping:
            mistakes.add(node.place, f"{word} must be a mapping")
        elif word in ("choose", "monitor"):
            for name, part in node.content.items():
                if not isinstance(part.content, str):
                    mistakes.add(part.place, f"{word}.{name} must be a name")


def _monitored(monitor: Node, direction: str | None, mistakes: Mistakes) -> Tree:
    if not monitor.content:
        return {}
    chosen = direction or next(iter(monitor.content))
    if chosen not in monitor.content:
        mistakes.add(monitor.place, f"monitor has none for the direction {chosen}")
        return {}
    node = monitor.content[chosen]
    return {("monitor",): Given(node.place, node.value), ("direction",): Given(node.place, chosen)}


def _linked(ours: Tree, tree: Tree, strict: bool, mistakes: Mistakes) -> dict[Key, Key]:
    """What the leaves of `ours` follow in `tree`; those that follow nothing leave `ours`."""
    existing, links = Existing(tree), {}
    for key, leaf in list(ours.items()):
        if not isinstance(leaf, Follows) or key not in ours:
            continue
        try:
            links[key] = existing.find(leaf.target)
        except Mistake as error:
            if strict:
                mistakes.add(leaf.place, f"{shown(key)} follows {error}")
            for other in [other for other in ours if other[:-1] == key[:-1]]:
                if other == key or isinstance(key[-1], int):  # a list goes as a whole
                    del ours[other]
    return {key: target for key, target in links.items() if key in ours}
