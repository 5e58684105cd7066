"""A search space whose parameters may depend on each other.

A parameter has one or more branches; the first whose conditions hold gives its domain, and where
none holds the parameter takes no part. So `fusion.middle.layers` can have other choices for each
number of layers, and none at all when middle fusion is off. Optuna refuses a categorical whose
choices change under one name: each of several branches has a name of its own there.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution

from trialsmith.search.domains import Domain, identity

Point = dict[str, Any]
"""Config key → value, for the parameters that take part."""

ATTEMPTS = 500  # random completions of a point before it counts as impossible
ENUMERABLE = 200_000  # a space with more points than this counts as endless


@dataclass(frozen=True)
class Branch:
    """A domain, and the values that other keys must have for it to hold."""

    domain: Domain
    when: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether every key of `when` has one of its values; an absent key has none."""
        return all(
            key in values and among(values[key], wanted) for key, wanted in self.when.items()
        )

    def describe(self) -> dict[str, Any]:
        when = {key: list(wanted) for key, wanted in self.when.items()}
        return {**self.domain.describe(), **({"when": when} if when else {})}


@dataclass(frozen=True)
class Parameter:
    """A config key and its branches, in the order in which they are tried."""

    key: str
    branches: tuple[Branch, ...]

    def branch(self, values: Mapping[str, Any]) -> Branch | None:
        """The branch that holds, None where the parameter takes no part."""
        return next((branch for branch in self.branches if branch.holds(values)), None)

    def name(self, branch: Branch) -> str:
        """What Optuna calls the branch, as `layers@model.alignn_layers=3`; the key if alone."""
        if len(self.branches) == 1:
            return self.key
        conditions = (
            f"{key}={'|'.join(str(value) for value in wanted)}"
            for key, wanted in branch.when.items()
        )
        return f"{self.key}@{'&'.join(conditions) or 'else'}"

    def describe(self) -> list[dict[str, Any]]:
        return [branch.describe() for branch in self.branches]


def among(value: Any, wanted: tuple[Any, ...]) -> bool:
    """Whether `value` is one of `wanted`; 1 and 1.0 are the same, 1 and true are not."""
    names = {identity(other) for other in wanted}
    if identity(value) in names:
        return True
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and identity(float(value)) in {
        identity(float(other))
        for other in wanted
        if isinstance(other, int | float) and not isinstance(other, bool)
    }


class Space:
    """Parameters in an order in which each comes after those it depends on.

    Args:
        parameters: without problems (`checking.problems`).
    """

    def __init__(self, parameters: tuple[Parameter, ...]) -> None:
        self.parameters = ordered(parameters)

    @property
    def keys(self) -> list[str]:
        return [parameter.key for parameter in self.parameters]

    def draw(
        self,
        suggest: Callable[[str, BaseDistribution], Any],
        given: Mapping[str, Any] | None = None,
    ) -> Point:
        """A point: what `suggest(name, distribution)` answers, in Optuna's terms, key by key.

        Args:
            given: values that are not asked for.

        Raises:
            ValueError: a given value is outside its domain, or its parameter takes no part.
        """
        given = given or {}
        point: Point = {}
        for parameter in self.parameters:
            branch = parameter.branch(point)
            if branch is None:
                continue
            if parameter.key in given:
                point[parameter.key] = _accepted(parameter.key, branch, given[parameter.key])
            else:
                stored = suggest(parameter.name(branch), branch.domain.distribution())
                point[parameter.key] = branch.domain.load(stored)
        for key in given:
            if key not in point:
                raise ValueError(f"{key} takes no part beside the point's other values")
        return point

    def point_of(self, values: Mapping[str, Any]) -> Point:
        """The point that `values` are, of which those that take no part are left out.

        Raises:
            ValueError: a value is outside its domain or missing; the message names all.
        """
        point: Point = {}
        found = []
        for parameter in self.parameters:
            key, branch = parameter.key.lstrip("+"), parameter.branch(point)
            if branch is None:
                continue
            if key not in values:
                found.append(f"{key} has no value")
                continue
            point[parameter.key] = values[key]
            try:
                point[parameter.key] = _accepted(key, branch, values[key])
            except ValueError as error:
                found.append(str(error))
        if found:
            raise ValueError("; ".join(found))
        return point

    def sample(self, random: np.random.Generator, given: Mapping[str, Any] | None = None) -> Point:
        """A point at random, with the values of `given` where they are possible."""
        given = given or {}
        point: Point = {}
        for parameter in self.parameters:
            branch = parameter.branch(point)
            if branch is None:
                continue
            value = branch.domain.sample(random)
            if parameter.key in given:
                with suppress(ValueError):
                    value = branch.domain.accept(given[parameter.key])
            point[parameter.key] = value
        return point

    def completed(self, given: Mapping[str, Any], random: np.random.Generator) -> Point:
        """A random point that holds every value of `given`.

        Raises:
            ValueError: there is none; the message names a key and why.
        """
        for _ in range(ATTEMPTS):
            point = self.sample(random, given)
            if all(key in point and among(value, (point[key],)) for key, value in given.items()):
                return point
        return self.draw(_first, given)  # says what is wrong

    def stored(self, point: Point) -> dict[str, tuple[Any, BaseDistribution]]:
        """`point` in Optuna's terms: name → (stored value, distribution)."""
        terms = {}
        for parameter in self.parameters:
            branch = parameter.branch(point)
            if branch is not None:
                value = branch.domain.store(point[parameter.key])
                terms[parameter.name(branch)] = (value, branch.domain.distribution())
        return terms

    def points(self) -> Iterator[Point]:
        """Every point of a finite space, without repetition."""
        return self._extended({}, 0)

    def _extended(self, point: Point, k: int) -> Iterator[Point]:
        if k == len(self.parameters):
            yield point
            return
        branch = self.parameters[k].branch(point)
        if branch is None:
            yield from self._extended(point, k + 1)
            return
        for value in branch.domain.values():
            yield from self._extended({**point, self.parameters[k].key: value}, k + 1)

    @cached_property
    def size(self) -> int | None:
        """How many points there are; None: endless, or more than anybody would try."""
        if self.continuous:
            return None
        counted = sum(1 for _ in islice(self.points(), ENUMERABLE + 1))
        return counted if counted <= ENUMERABLE else None

    @property
    def continuous(self) -> list[str]:
        """The parameters with a continuum of values."""
        return [
            parameter.key
            for parameter in self.parameters
            if any(branch.domain.size is None for branch in parameter.branches)
        ]

    def describe(self) -> dict[str, list[dict[str, Any]]]:
        """The space as plain values: config key → its branches."""
        return {parameter.key: parameter.describe() for parameter in self.parameters}

    @property
    def fingerprint(self) -> str:
        """Equal for equal spaces, in whatever order their parameters were written."""
        return hashlib.sha256(identity(self.describe()).encode()).hexdigest()[:12]


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What tells two described spaces apart, a line for each parameter that differs."""
    lines = []
    for key in dict.fromkeys([*old, *new]):
        before, now = (json.dumps(side.get(key), ensure_ascii=False) for side in (old, new))
        if key not in new:
            lines.append(f"{key}: was searched ({before}), is not any more")
        elif key not in old:
            lines.append(f"{key}: is new ({now})")
        elif identity(old[key]) != identity(new[key]):
            lines.append(f"{key}: was {before}, is {now}")
    return lines


def ordered(parameters: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    """`parameters` so that each comes after those its `when` names, else as they were.

    Raises:
        ValueError: they depend on each other in a circle; the message names it.
    """
    by_key = {parameter.key: parameter for parameter in parameters}
    placed: dict[str, Parameter] = {}

    def place(parameter: Parameter, path: tuple[str, ...]) -> None:
        if parameter.key in placed:
            return
        if parameter.key in path:
            circle = [*path[path.index(parameter.key) :], parameter.key]
            raise ValueError(f"depend on each other in a circle: {' → '.join(circle)}")
        for branch in parameter.branches:
            for key in branch.when:
                if key in by_key:
                    place(by_key[key], (*path, parameter.key))
        placed[parameter.key] = parameter

    for parameter in parameters:
        place(parameter, ())
    return tuple(placed.values())


def _first(name: str, distribution: BaseDistribution) -> Any:
    """Any value of a distribution, for a draw that is made for its error message."""
    internal = 0.0 if hasattr(distribution, "choices") else distribution.low  # type: ignore[attr-defined]
    return distribution.to_external_repr(internal)


def _accepted(key: str, branch: Branch, value: Any) -> Any:
    try:
        return branch.domain.accept(value)
    except ValueError as error:
        raise ValueError(f"{key}={identity(value)} {error}") from None
