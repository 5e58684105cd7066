"""How a trained model reads new inputs: the way its training read its own."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from trialsmith.data.problem import Problem
from trialsmith.data.target import Target


class Sample(Protocol):
    """One input, not yet prepared."""

    @property
    def id(self) -> str: ...

    @property
    def where(self) -> str:
        """File and line, for messages."""


class Reader(ABC):
    """From files or objects to batches without targets, a few samples at a time.

    A data module that offers `state_dict()` and `reader(state)` can be predicted with: the state
    goes into every checkpoint, with all that the training split taught (units, scales, shapes), so
    that a model is loaded where the training's data are not.
    """

    @abstractmethod
    def samples(self, inputs: Iterable[Any]) -> Iterator[Sample | Problem]:
        """What the inputs hold, one by one as they are read, and what cannot be read.

        Raises:
            DataError: an input that is nothing of the kind, such as a path that does not exist.
        """

    @abstractmethod
    def batch(self, samples: Sequence[Any]) -> tuple[Any, list[int], list[Problem]]:
        """The batch of those samples that can be used, their places, and why not the others.

        The batch is None where none can be used. What a model makes of a sample does not depend
        on the others.
        """

    def warnings(self) -> list[str]:
        """What a user should know of the samples that went through `batch`."""
        return []


def packed_targets(targets: Iterable[Target]) -> list[dict[str, Any]]:
    """Targets as plain values, for a checkpoint."""
    return [{**asdict(target), "classes": list(target.classes)} for target in targets]


def unpacked_targets(packed: Iterable[Mapping[str, Any]]) -> tuple[Target, ...]:
    """The inverse of `packed_targets`."""
    return tuple(Target(t["name"], t["unit"], tuple(t["classes"])) for t in packed)
