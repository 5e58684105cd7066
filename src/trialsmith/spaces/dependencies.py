"""The dependency mapping: the same tree again, where a leaf names the value that it follows."""

from collections.abc import Collection, Iterator, Mapping

from trialsmith.spaces.document import Node
from trialsmith.spaces.keys import Key, shown
from trialsmith.spaces.leaves import Coupled, Follows, Leaf, Searched, Tree
from trialsmith.spaces.mistakes import Mistake, Mistakes
from trialsmith.spaces.references import ONE, Existing, cycles, related


def with_dependencies(
    tree: Tree, mapping: Node, untuned: Collection[str], mistakes: Mistakes
) -> tuple[Tree, dict[Key, Key]]:
    """`tree` with what follows, and the links: key of what follows → key of what it follows.

    A dependency in a part that is not tuned is left out, for that part comes from the base
    settings as it is; unless what it follows is searched.

    Args:
        untuned: names of the parts that are not tuned.
    """
    existing = Existing(tree)
    followers = {
        key: Follows(node.place, str(node.content))
        for key, node in _leaves(mapping, mistakes)
        if _can_follow(key, node, tree, existing, mistakes)
    }
    merged = _replaced(tree, followers)
    links = _links(merged, existing, mistakes)
    idle = {key for key in followers if key[0] in untuned and not _moves(key, merged, links, set())}
    return (
        _replaced(tree, {key: leaf for key, leaf in followers.items() if key not in idle}),
        {key: target for key, target in links.items() if key not in idle},
    )


def _leaves(mapping: Node, mistakes: Mistakes) -> Iterator[tuple[Key, Node]]:
    for key, node in mapping.walk():
        if isinstance(node.content, str) and not node.tag:
            yield key, node
        elif node.is_scalar or node.tag:
            written = "nothing" if node.content is None else node.tag or repr(node.content)
            mistakes.add(
                node.place,
                f"{shown(key)} follows {written}: name a value such as model.layers[0].out_dim, "
                "or write {} to skip a list item",
            )


def _can_follow(key: Key, node: Node, tree: Tree, existing: Existing, mistakes: Mistakes) -> bool:
    for leaf, what in tree.items():
        if isinstance(what, Searched | Coupled) and related(leaf, key):
            mistakes.add(
                node.place,
                f"{shown(key)} follows another value, and {shown(leaf)} is searched at "
                f"{what.place}: leave one of them out",
            )
            return False
    if key not in existing:
        name = shown(key)
        mistakes.add(node.place, f"{name} is in neither settings nor space{existing.nearest(name)}")
    return key in existing


def _replaced(tree: Tree, followers: Mapping[Key, Leaf]) -> Tree:
    """`tree` with `followers` in place of the leaves at their keys and below."""
    found: Tree = {}
    for key, leaf in tree.items():
        above = next((key[:end] for end in range(len(key) + 1) if key[:end] in followers), None)
        found[key if above is None else above] = leaf if above is None else followers[above]
    return found


def _links(tree: Tree, existing: Existing, mistakes: Mistakes) -> dict[Key, Key]:
    links = {}
    for key, leaf in tree.items():
        if isinstance(leaf, Follows | Coupled):
            try:
                links[key] = existing.find(leaf.target)
            except Mistake as error:
                mistakes.add(leaf.place, f"{shown(key)} follows {error}")
                continue
            if isinstance(leaf, Follows):
                _check_kinds(key, links[key], leaf, existing, mistakes)
    for circle in cycles(links):
        names = " → ".join(shown(key) for key in circle)
        mistakes.add(tree[circle[0]].place, f"{names} is a circle: one of them needs a value")
    return links


def _check_kinds(
    key: Key, target: Key, leaf: Follows, existing: Existing, mistakes: Mistakes
) -> None:
    """Refuse a list that follows one value, and its like: every trial would fail."""
    kind, other = existing.kind(key), existing.kind(target)
    if not kind or not other or kind == other or related(key, target):
        return
    remedy = "follow a value of its own kind"
    if kind == "a list" and other == ONE:
        remedy = f'write - "{leaf.target}" below it'
    mistakes.add(
        leaf.place,
        f"{shown(key)} is {kind} ({existing.place(key)}) and {leaf.target} is {other}: {remedy}",
    )


def _moves(key: Key, tree: Tree, links: Mapping[Key, Key], seen: set[Key]) -> bool:
    """Whether a value is searched, or follows one that is in the end."""
    if key in seen:
        return False
    seen.add(key)
    for other, leaf in tree.items():
        if related(other, key) and (
            isinstance(leaf, Searched | Coupled)
            or (other in links and _moves(links[other], tree, links, seen))
        ):
            return True
    return False
