"""What one parameter may be: a choice among values, whole numbers, or real numbers.

A domain knows three spellings of a value. The *value* is what the configuration gets (a string, a
number, a boolean, null, a list or a mapping). The *stored* form is what Optuna holds; it differs
only for choices that Optuna cannot hold or would confuse, such as lists, or 1 beside true. The
*identity* is a text that is equal for equal values and for no others.
"""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

EXACT = 2**53
"""To here floats, in which samplers calculate, tell whole numbers apart."""


def identity(value: Any) -> str:
    """A text that tells values apart as YAML does: 1, 1.0, "1" and true are four values.

    Floats count to 12 digits, so that a value is still itself after a sampler's arithmetic.
    """
    return json.dumps(_rounded(value), ensure_ascii=False, sort_keys=True)


def _rounded(value: Any) -> Any:
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.12g}")
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _rounded(item) for key, item in value.items()}
    return value


class Domain(ABC):
    """The values that a parameter may take."""

    @abstractmethod
    def problems(self) -> list[str]:
        """What is wrong with the domain itself, as sentences; empty when all is well."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """The domain as it would stand in a search file."""

    @abstractmethod
    def distribution(self) -> BaseDistribution:
        """The domain as Optuna holds it."""

    @abstractmethod
    def accept(self, value: Any) -> Any:
        """`value` as this domain spells it, 1 for 1.0 among whole numbers.

        Raises:
            ValueError: the domain does not hold it.
        """

    @abstractmethod
    def sample(self, random: np.random.Generator) -> Any:
        """A value at random: uniform, or uniform in the logarithm."""

    @property
    @abstractmethod
    def size(self) -> int | None:
        """How many values there are; None: a continuum."""

    @abstractmethod
    def values(self) -> Iterator[Any]:
        """Every value of a finite domain."""

    def store(self, value: Any) -> Any:
        """The form of `value` that Optuna holds."""
        return value

    def load(self, stored: Any) -> Any:
        """The value that Optuna holds as `stored`."""
        distribution = self.distribution()
        # through the internal form, which makes Python numbers of NumPy's
        return distribution.to_external_repr(distribution.to_internal_repr(stored))


@dataclass(frozen=True)
class Choices(Domain):
    """One of several values of any kind."""

    options: tuple[Any, ...]

    def problems(self) -> list[str]:
        if not self.options:
            return ["has no choices"]
        names = [identity(option) for option in self.options]
        repeated = sorted({name for name in names if names.count(name) > 1})
        return [f"repeats the choice {name}" for name in repeated]

    def describe(self) -> dict[str, Any]:
        return {"choices": list(self.options)}

    @property
    def _native(self) -> bool:
        """Whether Optuna can hold the options as they are: all of one kind, and told apart."""
        kinds = {type(option) for option in self.options}
        if kinds == {float}:
            return all(math.isfinite(option) for option in self.options)
        return len(kinds) == 1 and kinds <= {str, int, bool}

    def distribution(self) -> CategoricalDistribution:
        return CategoricalDistribution([self.store(option) for option in self.options])

    def accept(self, value: Any) -> Any:
        for option in self.options:
            if identity(option) == identity(value):
                return option
        for option in self.options:  # 1 for 1.0, but never for true
            if _is_number(option) and _is_number(value) and option == value:
                return option
        listed = ", ".join(identity(option) for option in self.options)
        raise ValueError(f"is not one of {listed}")

    def sample(self, random: np.random.Generator) -> Any:
        return self.options[random.integers(len(self.options))]

    @property
    def size(self) -> int:
        return len(self.options)

    def values(self) -> Iterator[Any]:
        return iter(self.options)

    def store(self, value: Any) -> Any:
        return value if self._native else identity(value)

    def load(self, stored: Any) -> Any:
        return next(option for option in self.options if self.store(option) == stored)


@dataclass(frozen=True)
class Integers(Domain):
    """Whole numbers from `low` to `high`, both included, `step` apart or uniform in the log."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    def problems(self) -> list[str]:
        found = _range_problems(self.low, self.high, self.step, self.log)
        if max(abs(self.low), abs(self.high)) > EXACT:
            found.append(f"goes beyond {EXACT}: larger whole numbers are not told apart")
        if self.log and self.step != 1:
            found.append("has both log and step: leave one out")
        return found

    def describe(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high, "step": self.step, "log": self.log}

    def distribution(self) -> IntDistribution:
        return IntDistribution(self.low, self._last, log=self.log, step=self.step)

    @property
    def _last(self) -> int:
        return self.low + (self.high - self.low) // self.step * self.step

    def accept(self, value: Any) -> int:
        if not _is_number(value) or value != int(value):
            raise ValueError("is not a whole number")
        _check_bounds(value, self.low, self.high)
        if (int(value) - self.low) % self.step:
            raise ValueError(f"is not {self.low} plus a multiple of {self.step}")
        return int(value)

    def sample(self, random: np.random.Generator) -> int:
        if self.log:
            low, high = math.log(self.low - 0.5), math.log(self.high + 0.5)
            return min(max(round(math.exp(random.uniform(low, high))), self.low), self.high)
        return self.low + self.step * int(random.integers(self.size))

    @property
    def size(self) -> int:
        return (self.high - self.low) // self.step + 1

    def values(self) -> Iterator[int]:
        return iter(range(self.low, self.high + 1, self.step))


@dataclass(frozen=True)
class Floats(Domain):
    """Real numbers from `low` to `high`, `step` apart, or continuous: uniform, or so in the log."""

    low: float
    high: float
    step: float | None = None
    log: bool = False

    def problems(self) -> list[str]:
        found = _range_problems(self.low, self.high, self.step, self.log)
        if self.log and self.step is not None:
            found.append("has both log and step: leave one out")
        return found

    def describe(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high, "step": self.step, "log": self.log}

    def distribution(self) -> FloatDistribution:
        high = self.high if self.step is None else self._at(self._steps)
        return FloatDistribution(self.low, high, log=self.log, step=self.step)

    @property
    def _steps(self) -> int:
        assert self.step is not None
        return int((_exact(self.high) - _exact(self.low)) // _exact(self.step))

    def _at(self, k: int) -> float:
        # in decimals, so that 0.1 + 2 · 0.1 is 0.3
        assert self.step is not None
        return float(_exact(self.low) + k * _exact(self.step))

    def accept(self, value: Any) -> float:
        if not _is_number(value):
            raise ValueError("is not a number")
        _check_bounds(value, self.low, self.high)
        if self.step is None:
            return float(value)
        nearest = self._at(min(round((value - self.low) / self.step), self._steps))
        if not math.isclose(nearest, value, rel_tol=1e-9, abs_tol=1e-9 * self.step):
            raise ValueError(f"is not {self.low} plus a multiple of {self.step}")
        return nearest

    def sample(self, random: np.random.Generator) -> float:
        if self.step is not None:
            return self._at(int(random.integers(self._steps + 1)))
        if self.log:
            exponent = random.uniform(math.log(self.low), math.log(self.high))
            return min(max(math.exp(exponent), self.low), self.high)
        return float(random.uniform(self.low, self.high))

    @property
    def size(self) -> int | None:
        if self.step is not None:
            return self._steps + 1
        return 1 if self.low == self.high else None

    def values(self) -> Iterator[float]:
        if self.step is None:
            return iter((self.low,))
        return (self._at(k) for k in range(self._steps + 1))

    def load(self, stored: Any) -> float:
        value = float(stored)
        return value if self.step is None else self._at(round((value - self.low) / self.step))


def _exact(value: float) -> Decimal:
    return Decimal(str(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_bounds(value: int | float, low: int | float, high: int | float) -> None:
    if not low <= value <= high:
        raise ValueError(f"is outside {low} to {high}")


def _range_problems(
    low: int | float, high: int | float, step: int | float | None, log: bool
) -> list[str]:
    if not (math.isfinite(low) and math.isfinite(high)):
        return [f"goes from {low} to {high}: both ends must be finite"]
    found = []
    if low > high:
        found.append(f"is empty: low={low} is above high={high}")
    if step is not None and not step > 0:
        found.append(f"has step={step}: it must be above zero")
    if log and low <= 0:
        found.append(f"is logarithmic with low={low}: low must be above zero")
    return found
