"""Records of signals and images: where they come from, and a batch of them."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Num
from torch import Tensor

from trialsmith.data.target import Target


@dataclass(frozen=True, eq=False)
class Signals:
    """Records as their source has them; arrays may be mapped from a file larger than memory."""

    x: Num[np.ndarray, "samples channels *grid"]  # grid: (time,) or (rows, columns)
    y: Num[np.ndarray, "samples *targets"]  # numbers of targets, or the number of a class
    targets: tuple[Target, ...]
    where: str  # the file, for messages
    key: str  # another one whenever the records are others
    split: list[str]  # train, val or test where the source says so; else empty strings


class SignalSource(ABC):
    """Opens records. Nothing large is read.

    Attributes:
        member: what the array of records is called in an .npz file.
    """

    member: str = "x"

    @abstractmethod
    def read(self, cache_dir: Path) -> Signals:
        """The records.

        Raises:
            DataError: nothing can be read: a wrong path, array or shape.
        """


@dataclass
class SignalBatch:
    """What a CNN reads and what the loss compares with."""

    signal: Float[Tensor, "samples channels *grid"]  # standardised
    target: Num[Tensor, "samples *targets"]  # in their own units, or the number of a class
    ids: list[str]

    def __len__(self) -> int:
        return len(self.ids)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "SignalBatch":
        """The batch on `device`."""
        return replace(
            self,
            signal=self.signal.to(device, non_blocking=non_blocking),
            target=self.target.to(device, non_blocking=non_blocking),
        )
