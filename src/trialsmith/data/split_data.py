"""What all data of samples have in common: three parts, read batch by batch."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, Num
from lightning import LightningDataModule
from torch.utils.data import DataLoader, Dataset

from trialsmith.data.problem import Problem
from trialsmith.data.scaling import Classes, Standardiser
from trialsmith.data.target import LARGEST, Target
from trialsmith.data.whole import check_whole
from trialsmith.errors import DataError

log = logging.getLogger(__name__)


class SplitData(LightningDataModule, ABC):
    """Samples in train, val and test, and batches of them.

    Args:
        batch_size: samples in a batch.
        num_workers: processes that read batches.
        on_error: what becomes of samples that cannot be used: `raise`, or one of `ways`.
        ways: what else `on_error` may be.
        cache_dir: where what was read and checked is kept.
    """

    def __init__(
        self,
        batch_size: int,
        num_workers: int,
        on_error: str,
        ways: Sequence[str],
        cache_dir: str | Path,
    ) -> None:
        super().__init__()
        self.batch_size, self.num_workers, self.on_error = batch_size, num_workers, on_error
        self.cache_dir = Path(cache_dir).expanduser()
        if on_error not in ("raise", *ways):
            raise DataError(
                f"data.on_error={on_error} must be one of {', '.join(('raise', *ways))}."
            )
        check_whole("batch_size", batch_size, 1)
        check_whole("num_workers", num_workers, 0)

    @property
    @abstractmethod
    def targets(self) -> tuple[Target, ...]:
        """What is predicted."""

    @property
    @abstractmethod
    def dimensions(self) -> dict[str, Any]:
        """What the data ask of a model."""

    @property
    @abstractmethod
    def skipped(self) -> list[Problem]:
        """Samples that were left out."""

    @property
    @abstractmethod
    def scaler(self) -> Standardiser | Classes:
        """Of the targets, fitted on the training split only; or the classes."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """A hash of samples, targets and split: scores of equal fingerprints can be compared."""

    @property
    @abstractmethod
    def parts(self) -> Mapping[str, Int[np.ndarray, "part"]]:
        """Places of the samples of train, val and test; builds every cache that is not there."""

    @abstractmethod
    def batches(self, part: str) -> Dataset[Any]:
        """The samples of a part, which gives a whole batch where DataLoader asks for one."""

    def standardiser(self, values: Num[np.ndarray, "train targets"]) -> Standardiser:
        """Of the training split's targets; says which of them do not vary.

        Raises:
            DataError: a spread whose square single precision does not hold.
        """
        fitted = Standardiser.fit(torch.from_numpy(values))
        for target, low, high, std in zip(
            self.targets, values.min(0), values.max(0), fitted.std.tolist(), strict=True
        ):
            if low == high:
                log.warning("%s is %g in all of the training split", target.name, low)
            elif std < 1 / LARGEST:
                raise DataError(
                    f"{target.name} spreads by {std:g}, less than {1 / LARGEST:g}, which single "
                    "precision cannot square; take a smaller unit."
                )
        return fitted

    @cached_property
    def sizes(self) -> dict[str, int]:
        """How many samples there are in train, val and test."""
        return {part: len(places) for part, places in self.parts.items()}

    def prepare_data(self) -> None:
        """Builds every cache that is not there yet; one process builds, others wait."""
        self.parts  # noqa: B018

    def setup(self, stage: str | None = None) -> None:
        """Opens the caches."""
        self.prepare_data()

    def train_dataloader(self) -> DataLoader[Any]:
        """Batches in an order that follows torch's global seed."""
        return self._loader("train")

    def val_dataloader(self) -> DataLoader[Any]:
        """Batches in the order of the source."""
        return self._loader("val")

    def test_dataloader(self) -> DataLoader[Any]:
        """Batches in the order of the source."""
        return self._loader("test")

    def batching(self, part: str) -> dict[str, Any]:
        """How DataLoader puts the samples of a part into batches: in equal numbers."""
        train, samples = part == "train", self.sizes[part]
        return {
            "batch_size": self.batch_size,
            "shuffle": train,
            # of one sample batch norm may have no variance
            "drop_last": train and samples > 1 and samples % self.batch_size == 1,
        }

    def _loader(self, part: str) -> DataLoader[Any]:
        return DataLoader(
            self.batches(part),
            **self.batching(part),
            collate_fn=_as_it_is,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
        )


def _as_it_is(batch: Any) -> Any:
    return batch
