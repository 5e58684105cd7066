"""Signals and images for a Trainer: checked, split, standardised and put into batches."""

import logging
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch.utils.data import Dataset

from trialsmith.data.problem import Problem, refuse
from trialsmith.data.reader import packed_targets
from trialsmith.data.scaling import Classes, Standardiser
from trialsmith.data.signal_reader import SignalReader
from trialsmith.data.signal_records import Preparation
from trialsmith.data.signal_survey import Survey
from trialsmith.data.signals import SignalBatch, Signals, SignalSource
from trialsmith.data.split import PARTS, Split, limited
from trialsmith.data.split_data import SplitData
from trialsmith.data.target import Target
from trialsmith.errors import DataError
from trialsmith.graph import digest

log = logging.getLogger(__name__)


class SignalBatches(Dataset[SignalBatch]):
    """Batches by their indices: a whole batch is read at once."""

    def __init__(self, data: "SignalData", part: str) -> None:
        self._survey, self._places = data.survey, data.parts[part]
        mean, std = data.input_moments
        over = (-1,) + (1,) * (self._survey.signals.x.ndim - 2)
        self._mean, self._std = mean.reshape(over), std.reshape(over)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> SignalBatch:
        return self.__getitems__([index])

    def __getitems__(self, indices: list[int]) -> SignalBatch:
        """The batch of these members of the part; DataLoader asks for a whole batch in this way."""
        places = self._places[indices]
        samples = self._survey.samples[places]
        signal = (self._survey.gather(places) - self._mean) / self._std
        return SignalBatch(
            torch.from_numpy(signal),
            torch.from_numpy(self._survey.signals.y[samples]),
            [_id(sample) for sample in samples.tolist()],
        )


class SignalData(SplitData):
    """Records of a source, standardised by channel, with their targets or classes.

    Inputs and targets are standardised by means and standard deviations of the training split.
    A record with an overflow, a NaN or an infinity in a channel that is kept is refused, unless
    `on_error` says otherwise. Everything is read through a map of the file: of an array larger
    than memory only the records of a batch are there at a time.

    Args:
        source: where records come from.
        channels, sentinel, downsample_factor, time_axis: see `Preparation`.
        on_error: `raise` refuses the data, `skip` leaves such records out and lists them in
            `skipped`, `mask` puts the mean of the rest of its channel in a bad value's place; a
            record with a channel of which nothing is left is refused then.
        limit: take only so many records, drawn at random, of each part in proportion.
        fractions, n_train, n_val, n_test, seed, at_most: see `Split`.
        batch_size: records in a batch.
        num_workers: processes that read batches.
        cache_dir: where checks and downsampled records are kept.
    """

    def __init__(
        self,
        source: SignalSource,
        channels: Sequence[int] | None = None,
        sentinel: float | None = None,
        downsample_factor: int = 1,
        time_axis: int = -1,
        on_error: str = "raise",
        limit: int | None = None,
        fractions: Sequence[float] = (0.7, 0.15, 0.15),
        n_train: int | None = None,
        n_val: int | None = None,
        n_test: int | None = None,
        seed: int = 0,
        at_most: bool = False,
        batch_size: int = 64,
        num_workers: int = 0,
        cache_dir: str | Path = ".cache",
    ) -> None:
        super().__init__(batch_size, num_workers, on_error, ("skip", "mask"), cache_dir)
        self.source, self.limit = source, limit
        if isinstance(channels, str) or not isinstance(channels, Sequence | None):
            raise DataError(
                f"data.channels={channels} must be a list, such as data.channels=[0,2], or null "
                "for all channels."
            )
        kept = None if channels is None else tuple(channels)
        self.preparation = Preparation(kept, sentinel, downsample_factor, time_axis)
        self.split = Split(fractions, n_train, n_val, n_test, seed, at_most)

    @property
    def targets(self) -> tuple[Target, ...]:
        """What is predicted."""
        return self._signals.targets

    @property
    def dimensions(self) -> dict[str, Any]:
        """What the data ask of a model: `outputs`, and the `shape` of a record, channels first."""
        classes = self.targets[0].classes
        shape = self.survey.gather(np.zeros(1, np.int64)).shape[1:]
        return {"outputs": len(classes) or len(self.targets), "shape": tuple(shape)}

    @property
    def skipped(self) -> list[Problem]:
        """Records that were left out."""
        return self._usable[1] if self.on_error == "skip" else []

    @cached_property
    def scaler(self) -> Standardiser | Classes:
        """Of the targets, fitted on the training split only; or the classes."""
        (target, *_) = self.targets
        if target.classes:
            return Classes(len(target.classes))
        train = self.survey.samples[self.parts["train"]]
        return self.standardiser(self._signals.y[train])

    @cached_property
    def input_moments(self) -> tuple[Float[np.ndarray, "kept"], Float[np.ndarray, "kept"]]:
        """Mean and standard deviation of each channel over the training split."""
        return self.survey.moments(self.parts["train"])

    @cached_property
    def fingerprint(self) -> str:
        """A hash of records, targets and split: scores of equal fingerprints can be compared.

        Downsampling is part of a model here, not of the data: it is not hashed.
        """
        survey = self.survey
        return digest(
            *(str(target) for target in self.targets),
            str(survey.channels),
            survey.found["checksums"],
            self._signals.y[survey.samples],
            *(self.parts[part] for part in PARTS),
        )

    def state_dict(self) -> dict[str, Any]:
        """What `reader` must know of the training, for the checkpoint."""
        mean, std = self.input_moments
        return {
            "targets": packed_targets(self.targets),
            "dimensions": self.dimensions,
            "record": tuple(self._signals.x.shape[1:]),
            "channels": self.survey.channels,
            "mean": torch.from_numpy(mean),
            "std": torch.from_numpy(std),
        }

    def reader(self, state: Mapping[str, Any]) -> SignalReader:
        """Reads new records as these were; needs `state_dict`, and not the source."""
        member = self.source.member
        return SignalReader(self.preparation, self.on_error, member, self.cache_dir, state)

    def batches(self, part: str) -> SignalBatches:
        """The records of a part."""
        return SignalBatches(self, part)

    @cached_property
    def _signals(self) -> Signals:
        return self.source.read(self.cache_dir)

    @cached_property
    def survey(self) -> Survey:
        """The records that `limit` leaves, gone through once."""
        signals = self._signals
        channels = self.preparation.chosen(signals.x, signals.where)
        ids = [_id(sample) for sample in range(len(signals.x))]
        samples = limited(signals.split, ids, self.limit, self.split.seed)
        return Survey(signals, samples, self.preparation, channels, self.cache_dir)

    @cached_property
    def _usable(self) -> tuple[Int[np.ndarray, "usable"], list[Problem]]:
        """Places of the records that are used, and what is wrong with others."""
        overflows = self.survey.found["overflows"]
        points = int(np.prod(self._signals.x.shape[2:]))
        some, all_ = overflows.any(1), (overflows == points).any(1)
        if self.on_error == "mask":
            if some.any():
                log.warning("%d records have overflows or NaNs; they are masked", some.sum())
            some = all_  # a mask takes the mean of the rest, and here is none
        problems = [self._problem(p, overflows[p], points) for p in np.flatnonzero(some).tolist()]
        places = np.flatnonzero(~some)
        if problems and (self.on_error != "skip" or not len(places)):
            self._refuse(problems, overflows, masked=not all_.any())
        return places, problems

    def _problem(self, place: int, overflows: Int[np.ndarray, "kept"], points: int) -> Problem:
        counts = (
            f"channel {channel} has {count} overflows, NaNs or infinities"
            + (" and nothing else" if count == points else "")
            for channel, count in zip(self.survey.channels, overflows, strict=True)
            if count
        )
        sample = int(self.survey.samples[place])
        return Problem(f"{self._signals.where}, record {sample}", _id(sample), "; ".join(counts))

    def _refuse(
        self, problems: list[Problem], overflows: Int[np.ndarray, "samples kept"], masked: bool
    ) -> None:
        clean = [c for c, n in zip(self.survey.channels, overflows.sum(0), strict=True) if not n]
        ways = ["data.on_error=mask keeps the rest of such records."] if masked else []
        ways += [f"Channels without any: data.channels={clean}."] if clean else []
        try:
            refuse(problems, len(overflows))
        except DataError as error:
            raise DataError("\n".join([str(error), " ".join(ways)]).strip()) from None

    @cached_property
    def parts(self) -> dict[str, Int[np.ndarray, "part"]]:
        """Places of the records of train, val and test."""
        places, _ = self._usable
        samples = self.survey.samples[places].tolist()
        names = [self._signals.split[sample] for sample in samples]
        drawn = self.split(names, [_id(sample) for sample in samples])
        return {part: places[chosen] for part, chosen in drawn.items()}


def _id(sample: int) -> str:
    return f"{sample:06d}"
