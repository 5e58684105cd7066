"""From a group's files to one space: what is searched, what follows, what stays."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialsmith.errors import SearchError
from trialsmith.search.domains import Choices, Domain
from trialsmith.search.nearest import suggestion
from trialsmith.spaces.dependencies import with_dependencies
from trialsmith.spaces.document import Node, read_document
from trialsmith.spaces.keys import Key, dotted, is_plain, shown
from trialsmith.spaces.leaves import Coupled, Given, Searched, Tree
from trialsmith.spaces.merging import Merging, is_tagged
from trialsmith.spaces.mistakes import Mistake, Mistakes, Place
from trialsmith.spaces.ranges import is_tuple, unreached

PARTS = "converted"
"""The key of a search file that names what the settings that it is made from consist of."""

RESERVED = {"hydra", "defaults", PARTS}


@dataclass(frozen=True)
class Converted:
    """A space in our terms.

    Attributes:
        tree: every leaf of the configuration.
        links: key of what follows → key of what it follows.
        entries: of `hydra.sweeper.params` by the key that is searched.
        tuned: names of the parts that are tuned.
        notes: what is right and may still surprise, `file:line: …`.
    """

    tree: Tree
    links: dict[Key, Key]
    entries: dict[Key, Any]
    tuned: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def parts(self) -> list[str]:
        """The names at the top."""
        return list(dict.fromkeys(str(key[0]) for key in self.tree))


def convert(
    base: Path | None,
    space: Path,
    deps: Path | None = None,
    tune: Sequence[str] | None = None,
    switches: Mapping[str, Place] | None = None,
    check: Callable[[Tree, Mistakes], object] = lambda tree, mistakes: None,
) -> Converted:
    """Read the files and put them together.

    Args:
        base: settings, one value each; may be missing where `space` says by tags what is searched.
        space: the same tree, with what is searched.
        deps: the same tree, with what follows.
        tune: the parts to tune; None: all.
        switches: where a file says of parts whether to tune them.
        check: notes what else is wrong with the leaves.

    Raises:
        SearchError: names every mistake in the files, with its line.
    """
    mistakes = Mistakes()
    settings = None if base is None else read_document(base, mistakes)
    searched = read_document(space, mistakes)
    mapping = Node(Place(str(space), 1), {}) if deps is None else read_document(deps, mistakes)
    if searched is None or mapping is None or (base is not None and settings is None):
        mistakes.refuse("the files cannot be read")  # the rest would only be consequences
    assert searched is not None
    assert mapping is not None
    if settings is None and not is_tagged(searched):
        raise SearchError(
            f"{space} has no tags such as !sweep, so its base settings are needed to tell choices "
            "from lists that are values: add --base FILE"
        )
    _check_parts([document for document in (settings, searched) if document], mistakes)
    parts = list(dict.fromkeys([*(settings.content if settings else ()), *searched.content]))
    tuned = _tuned(tune, parts, switches or {}, mistakes)
    tree = _merged(settings, searched, tuned, mistakes)
    untuned = {str(key[0]) for key in tree} - set(tuned)
    tree, links = with_dependencies(tree, mapping, untuned, mistakes)
    if base is not None:  # what is coupled to a part that is not tuned keeps its own base value
        for key, leaf in tree.items():
            if isinstance(leaf, Coupled) and key in links and links[key][0] in untuned:
                tree[key] = Given(leaf.place, leaf.start)
                del links[key]
    entries = _entries(tree, links, mistakes)
    check(tree, mistakes)
    _check_names(entries, links, tree, mistakes)
    mistakes.refuse("the space cannot be converted")
    if not entries:
        raise SearchError(f"nothing is searched in {', '.join(tuned)} of {space}")
    return Converted(tree, links, entries, tuple(tuned), tuple(_notes(tree)))


def _check_parts(documents: Sequence[Node], mistakes: Mistakes) -> None:
    for document in documents:
        for name in RESERVED & document.content.keys():
            mistakes.add(
                document.content[name].place,
                f"{name} has a meaning of its own in a search file: leave it out, or rename it",
            )


def _tuned(
    tune: Sequence[str] | None,
    parts: Sequence[str],
    switches: Mapping[str, Place],
    mistakes: Mistakes,
) -> list[str]:
    for name, place in switches.items():
        if name not in parts:
            hint = suggestion(name, parts) or f": there are {', '.join(parts)}"
            mistakes.add(place, f"tune_{name}: {name} is no part of the settings{hint}")
    if tune is None:
        return list(parts)
    unknown = [name for name in tune if name not in parts and name not in switches]
    if unknown or not tune:
        hints = [f"{name}{suggestion(name, parts)}" for name in unknown]
        raise SearchError(
            f"--tune names no part of the settings: {'; '.join(hints) or 'nothing'} "
            f"(there are {', '.join(parts)})"
        )
    return [name for name in parts if name in tune]


def _merged(base: Node | None, space: Node, tuned: Collection[str], mistakes: Mistakes) -> Tree:
    _check_are_values(base, mistakes)
    merging = Merging(base, space, mistakes)
    tree: Tree = {}
    for name in dict.fromkeys([*(base.content if base else ()), *space.content]):
        settings = base.content.get(name) if base else None
        if name in tuned:
            tree |= merging.tree((name,), settings, space.content.get(name))
        elif settings is not None:
            tree |= merging.values((name,), settings)
        elif base is None:
            tree |= merging.values((name,), space.content[name])
        else:  # for the mistake: it may be the name of a tuned part, misspelled
            merging.tree((name,), None, space.content[name])
    if base is None:
        for key, leaf in tree.items():
            if isinstance(leaf, Searched | Coupled) and key[0] not in tuned:
                mistakes.add(
                    leaf.place,
                    f"{shown(key)} is searched, and {key[0]} is not tuned: its value comes from "
                    "the base settings, so add --base FILE",
                )
    return tree


def _check_are_values(base: Node | None, mistakes: Mistakes) -> None:
    for key, node in base.walk() if base else ():
        if node.tag:
            mistakes.add(
                node.place, f"{shown(key)} has the tag {node.tag}: base settings are values"
            )
        if is_tuple(node) and node.content["type"].value == "tuple":
            mistakes.add(
                node.place,
                f"{shown(key)} is a range, and base settings are values: write one number",
            )


def _entries(tree: Tree, links: dict[Key, Key], mistakes: Mistakes) -> dict[Key, Any]:
    entries: dict[Key, Any] = {}
    for key, leaf in tree.items():
        if isinstance(leaf, Searched):
            entries[key] = _entry(leaf.domain)
        elif isinstance(leaf, Coupled) and key in links:
            try:
                entries[key] = _coupled(leaf, key, tree, links)
            except Mistake as error:
                mistakes.add(leaf.place, f"{shown(key)} {error}")
    return entries


def _entry(domain: Domain) -> dict[str, Any]:
    """The words of an entry, without those that say nothing."""
    words = domain.describe()
    return {word: v for word, v in words.items() if v is not None and v is not False}


def _coupled(leaf: Coupled, key: Key, tree: Tree, links: dict[Key, Key]) -> list[dict[str, Any]]:
    """A branch for each choice of what it is coupled to."""
    target, seen = links[key], {key}
    while target in links and target not in seen:
        seen.add(target)
        target = links[target]
    if target in seen:
        return []  # a circle, and told already
    followed = tree.get(target)
    if not isinstance(followed, Searched) or not isinstance(followed.domain, Choices):
        raise Mistake(f"is coupled to {shown(target)}, which has no !sweep")
    options = followed.domain.options
    if len(options) != len(leaf.values):
        raise Mistake(
            f"has {len(leaf.values)} values, and {shown(target)} has {len(options)} at "
            f"{followed.place}: give both the same number"
        )
    return [
        {"choices": [value], "when": {dotted(target): [option]}}
        for value, option in zip(leaf.values, options, strict=True)
    ]


def _check_names(
    entries: dict[Key, Any], links: dict[Key, Key], tree: Tree, mistakes: Mistakes
) -> None:
    for key in [*entries, *links]:
        for name in (key, links.get(key, key)):
            if not is_plain(name):
                mistakes.add(
                    tree[key].place,
                    f"{shown(name)} cannot be searched or followed: names must be of letters "
                    "from a to z, digits, _ and -, and begin with a letter",
                )


def _notes(tree: Tree) -> list[str]:
    return [
        f"{leaf.place}: {shown(key)}: {note}"
        for key, leaf in tree.items()
        if isinstance(leaf, Searched) and (note := unreached(leaf.domain))
    ]
