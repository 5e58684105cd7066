"""What a stage takes over from the one before, as entries of its search space."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from trialsmith.search.domains import identity

GROUP, SWITCH = "fusion", ".use"  # what keys of a part depend on: its choice, and its switch


def inherited(winners: Sequence[Mapping[str, Any]], own: Collection[str]) -> dict[str, Any]:
    """Entries of `hydra.sweeper.params` whose points are just the `winners`.

    Where several keys vary, a later key's branches depend on the values of those before it, so
    that the values of two winners never mix. Keys of the fusion come last and depend on its choice
    and its switches: where a stage tries graph only beside a winner, that one has all other values
    in common.

    Args:
        winners: config key → value, of each configuration that passes on.
        own: the keys that the stage searches by itself; nothing is taken over for them.
    """
    keys = sorted({key for winner in winners for key in winner}, key=_rank)
    entries: dict[str, Any] = {}
    for k, key in enumerate(keys):
        if key in own:
            continue
        before = [other for other in keys[:k] if _matters(other, key, winners, own)]
        branches: dict[str, dict[str, Any]] = {}
        for winner in winners:
            if key not in winner:
                continue
            when = {other: winner[other] for other in before if other in winner}
            branch = branches.setdefault(
                identity(when), {"choices": [], **({"when": when} if when else {})}
            )
            if identity(winner[key]) not in map(identity, branch["choices"]):
                branch["choices"].append(winner[key])
        entries[key] = list(branches.values())
    return entries


def _rank(key: str) -> tuple[bool, bool, str]:
    """What others depend on comes first: plain keys, then the fusion's switches, then its rest."""
    return _is_of_fusion(key), _is_of_fusion(key) and not _is_switch(key), key


def _is_of_fusion(key: str) -> bool:
    return key.partition(".")[0] == GROUP


def _is_switch(key: str) -> bool:
    return key == GROUP or key.endswith(SWITCH)


def _matters(
    other: str, key: str, winners: Sequence[Mapping[str, Any]], own: Collection[str]
) -> bool:
    """Whether the values of `key` may depend on that of `other`."""
    if other in own:
        return _is_switch(other) and key.startswith(f"{other.removesuffix(SWITCH)}.")
    return len({identity(winner.get(other)) for winner in winners}) > 1
