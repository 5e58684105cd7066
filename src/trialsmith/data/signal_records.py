"""From a stored record to what a network reads: channels, overflows, fewer points in time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from scipy.signal import resample_poly

from trialsmith.data.flow_files import forget
from trialsmith.data.whole import check_whole, is_whole
from trialsmith.errors import DataError, InfeasibleConfig

BLOCK = 2**26  # bytes of signal that are in memory at a time when all records are gone through


@dataclass(frozen=True)
class Preparation:
    """What is done to each record, whatever the others are.

    Args:
        channels: which to keep, counted from 0; None: all.
        sentinel: numbers at least so large, of either sign, mark an overflow; None: there are no
            such marks. NaN and infinities are never signal.
        downsample_factor: q: one point in time of q is kept, after a low-pass filter (`resampled`).
        time_axis: of a record (channels, …), the axis that is downsampled.
    """

    channels: tuple[int, ...] | None = None
    sentinel: float | None = None
    downsample_factor: int = 1
    time_axis: int = -1

    def __post_init__(self) -> None:
        check_whole("downsample_factor", self.downsample_factor, 1)
        if self.channels is not None and not all(map(is_whole, self.channels)):
            raise DataError(
                f"data.channels={list(self.channels)}: channels are whole numbers, counted from 0, "
                "such as [0,2]; null takes all."
            )
        given = self.sentinel
        if given is not None and not (isinstance(given, int | float) and given > 0):
            raise DataError(f"data.sentinel={given} must be a positive number, or null for none.")

    def chosen(self, x: Num[np.ndarray, "samples channels *grid"], where: str) -> tuple[int, ...]:
        """The channels that are kept.

        Raises:
            DataError: a channel that is not there, twice, or none; or no such axis of time.
            InfeasibleConfig: of a record's points in time fewer than two would be left.
        """
        if not is_whole(self.time_axis) or not -(x.ndim - 2) <= self.time_axis < 0:
            raise DataError(
                f"data.time_axis={self.time_axis}: a record of {where} has the shape "
                f"{x.shape[1:]}, with channels first; take -1 for its last axis."
            )
        points = x.shape[self.time_axis]
        if 1 < self.downsample_factor >= points:
            raise InfeasibleConfig(
                f"data.downsample_factor={self.downsample_factor} must be below {points}, the "
                f"points along data.time_axis={self.time_axis} of a record of {where}, so that at "
                "least two are left; take 1 to keep all"
            )
        if self.channels is None:
            return tuple(range(x.shape[1]))
        absent = [c for c in self.channels if not 0 <= c < x.shape[1]]
        if absent or not self.channels or len(set(self.channels)) < len(self.channels):
            raise DataError(
                f"data.channels={list(self.channels)}: {where} has the channels 0 to "
                f"{x.shape[1] - 1}; name some of them, each once, or null for all."
            )
        return self.channels

    def valid(
        self, x: Float[np.ndarray, "samples channels *grid"]
    ) -> Bool[np.ndarray, "samples channels *grid"]:
        """Where there is signal: finite, and no mark of an overflow."""
        if self.sentinel is None:
            return np.isfinite(x)
        with np.errstate(invalid="ignore"):
            return np.abs(x) < self.sentinel  # false for NaN and infinities, too

    def unusable(
        self, x: Float[np.ndarray, "samples channels *grid"], mask: bool
    ) -> Bool[np.ndarray, "samples"]:
        """Records with overflows; with a `mask` only those that have a channel of nothing else."""
        valid = self.valid(x).reshape(*x.shape[:2], -1)
        enough = np.any(valid, axis=2) if mask else np.all(valid, axis=2)
        return ~np.all(enough, axis=1)

    def __call__(
        self, x: Float[np.ndarray, "samples channels *grid"]
    ) -> Float[np.ndarray, "samples channels *shorter"]:
        """Records without overflows, at fewer points in time.

        What is no signal takes the mean of the rest of its channel in its record: a filter would
        smear an overflow over its neighbours.
        """
        valid = self.valid(x)
        if not valid.all():
            over = tuple(range(2, x.ndim))
            count = valid.sum(over, keepdims=True).clip(min=1)
            mean = np.where(valid, x, 0).sum(over, keepdims=True, dtype=np.float64) / count
            x = np.where(valid, x, mean.astype(np.float32))
        return resampled(x, self.downsample_factor, self.time_axis)


def resampled(
    x: Float[np.ndarray, "*records"], factor: int, axis: int = -1
) -> Float[np.ndarray, "*shorter"]:
    """Every `factor`-th point along an axis, after an anti-aliasing low-pass filter.

    The filter is scipy's `resample_poly`: linear phase, a Kaiser window of 20 `factor` + 1 points,
    half its amplitude left at the new Nyquist frequency. Ends are continued by the line through
    the first and the last point, so that an offset does not droop there.
    """
    if factor == 1:
        return x
    return resample_poly(x, 1, factor, axis=axis, padtype="line").astype(np.float32)


def blocks(samples: Int[np.ndarray, "samples"], bytes_each: int) -> Iterator[np.ndarray]:
    """`samples` in pieces that fit into memory together with what is made of them."""
    step = max(1, BLOCK // max(1, bytes_each))
    for start in range(0, len(samples), step):
        yield samples[start : start + step]


def raw(
    x: Num[np.ndarray, "samples channels *grid"],
    samples: Int[np.ndarray, "chosen"],
    channels: tuple[int, ...],
) -> Float[np.ndarray, "chosen kept *grid"]:
    """Some channels of some records, read from their file."""
    picked = (
        x[np.ix_(samples, np.array(channels))]
        if len(channels) < x.shape[1]
        else x[samples][:, channels]
    )
    forget(x)
    with np.errstate(over="ignore"):  # a number too large for single precision becomes infinite
        return np.ascontiguousarray(picked, dtype=np.float32)
