"""Everything that can be wrong with a search space, found before the first trial."""

from collections.abc import Iterable, Mapping
from typing import Any

from trialsmith.search.domains import Choices, identity
from trialsmith.search.nearest import suggestion
from trialsmith.search.space import Branch, Parameter, Space, among, ordered


def problems(
    parameters: tuple[Parameter, ...], known: Mapping[str, Any], names: Iterable[str] = ()
) -> list[str]:
    """A sentence for each mistake, beginning with the parameter's key.

    Args:
        known: config key → value, for the keys in some `when` that are configured, not searched.
        names: every key of the configuration, to suggest from.
    """
    by_key = {parameter.key: parameter for parameter in parameters}
    found = []
    for parameter in parameters:
        for branch in parameter.branches:
            found += [f"{parameter.key} {problem}" for problem in branch.domain.problems()]
        found += _unreachable(parameter) + _never_searched(parameter, by_key)
        for key in dict.fromkeys(key for branch in parameter.branches for key in branch.when):
            if key not in by_key and key not in known:
                hint = suggestion(key, [*by_key, *names])
                found.append(
                    f"{parameter.key}: when {key} names what is neither searched nor "
                    f"configured{hint}"
                )
    try:
        ordered(parameters)
    except ValueError as error:
        found.append(f"parameters {error}")
    return found


def presumed(parameters: tuple[Parameter, ...], known: Mapping[str, Any]) -> Space | None:
    """The space as it might be without its `problems`, to look for others; None: it is a circle."""
    searched = {parameter.key for parameter in parameters}
    mended = []
    for parameter in parameters:
        branches = []
        for branch in parameter.branches:
            domain = Choices((None,)) if branch.domain.problems() else branch.domain
            when = {key: w for key, w in branch.when.items() if key in searched or key in known}
            branches.append(Branch(domain, when))
        mended.append(Parameter(parameter.key, tuple(branches)))
    try:
        return settled(tuple(mended), known)
    except ValueError:
        return None


def settled(parameters: tuple[Parameter, ...], known: Mapping[str, Any]) -> Space:
    """The space that is left where the `known` values hold: branches that cannot be go.

    Raises:
        KeyError: a `when` names a key that is neither a parameter nor known.
    """
    searched = {parameter.key for parameter in parameters}
    left = []
    for parameter in parameters:
        branches = []
        for branch in parameter.branches:
            outer = {key: wanted for key, wanted in branch.when.items() if key not in searched}
            if not all(among(known[key], wanted) for key, wanted in outer.items()):
                continue
            inner = {key: wanted for key, wanted in branch.when.items() if key in searched}
            branches.append(Branch(branch.domain, inner))
            if not inner:
                break  # what comes after it is never tried
        if branches:
            left.append(Parameter(parameter.key, tuple(branches)))
    gone = searched - {parameter.key for parameter in left}
    if not gone:
        return Space(tuple(left))
    # what depended on a parameter that is gone is gone as well
    return settled(tuple(left), {**known, **dict.fromkeys(gone, _ABSENT)})


_ABSENT = {"absent": "takes no part"}  # equal to no value of a search file


def _never_searched(parameter: Parameter, by_key: Mapping[str, Parameter]) -> list[str]:
    """A parameter none of whose branches can hold.

    One that cannot is no mistake: whoever narrows a parameter leaves branches of others behind.
    """
    impossible = []
    for branch in parameter.branches:
        never = [
            f"when {key}={identity(list(wanted))} can never be: {key} takes {_taken(by_key[key])}"
            for key, wanted in branch.when.items()
            if key in by_key and not any(_possible(by_key[key], value) for value in wanted)
        ]
        if not never:
            return []
        impossible += never
    return [f"{parameter.key}: {why}" for why in dict.fromkeys(impossible)]


def _unreachable(parameter: Parameter) -> list[str]:
    """Branches that an earlier one always takes the place of."""
    found = []
    for k, branch in enumerate(parameter.branches):
        for earlier in parameter.branches[:k]:
            if not earlier.when or identity(dict(earlier.when)) == identity(dict(branch.when)):
                found.append(
                    f"{parameter.key}: branch {k + 1} is never taken, an earlier one holds "
                    "whenever it does; put the branch without `when` last"
                )
                break
    return found


def _possible(parameter: Parameter, value: Any) -> bool:
    for branch in parameter.branches:
        if branch.domain.problems():
            return True  # reported already; say nothing that may be wrong
        try:
            branch.domain.accept(value)
        except ValueError:
            continue
        return True
    return False


def _taken(parameter: Parameter) -> str:
    return " or ".join(identity(branch.domain.describe()) for branch in parameter.branches)
