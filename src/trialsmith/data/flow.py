"""Signals of a three-phase flow in the user's files, and what `data=flow` builds."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trialsmith.data.crystal_files import names
from trialsmith.data.flow_files import identity, is_archive, mapped
from trialsmith.data.flow_physics import TARGETS
from trialsmith.data.flow_synthetic import SyntheticFlow
from trialsmith.data.problem import Problem, refuse
from trialsmith.data.signal_data import SignalData
from trialsmith.data.signals import Signals, SignalSource
from trialsmith.data.target import LARGEST, TOO_LARGE, Target, named_targets
from trialsmith.errors import DataError
from trialsmith.graph import digest

log = logging.getLogger(__name__)

_ARRAYS = {"x": "x_train", "y": "t_train"}  # as the laboratory calls them


class FlowFiles(SignalSource):
    """Signals and targets in one .npz file, or in two .npy files; neither is read as a whole.

    Args:
        x: file of the signals, (samples, channels, time) or (samples, channels, rows, columns).
        y: file of the targets, (samples, targets); may be that of the signals.
        arrays: names of the members of an .npz: `x` and `y`.
        targets: names of the columns of y; None: the laboratory's six.
        units: of the targets.
    """

    def __init__(
        self,
        x: Path,
        y: Path,
        arrays: Mapping[str, str],
        targets: Sequence[str] | None = None,
        units: Sequence[str] | None = None,
    ) -> None:
        self.x, self.y, self.arrays = x, y, arrays
        self.targets, self.units = targets, units
        self.member = arrays["x"]

    def read(self, cache_dir: Path) -> Signals:
        """The records; see `SignalSource.read`."""
        together = self.x == self.y
        x = mapped(self.x, self.arrays["x"], "data.path" if together else "data.x", cache_dir)
        if together and not is_archive(self.x):
            raise DataError(
                f"data.path={self.x} holds one array, and an .npz with signals and targets is "
                "needed; of two .npy files name each: data.x=… and data.y=…"
            )
        y = mapped(self.y, self.arrays["y"], "data.y", cache_dir)
        self._check(x, y)
        _warn_of_channels_last(x, self.x)
        y = np.array(y, np.float64).reshape(len(y), -1)
        targets = self._named(y.shape[1])
        _check_numbers(y, targets, self.y)
        y = y.astype(np.float32)
        return Signals(
            x=x,
            y=y,
            targets=targets,
            where=str(self.x),
            key=digest(identity(self.x), self.arrays["x"]),
            split=[""] * len(x),
        )

    def _check(self, x: np.ndarray, y: np.ndarray) -> None:
        for name, array, file in (("x", x, self.x), ("y", y, self.y)):
            if array.dtype.kind not in "fiu":
                raise DataError(f"{file}: {name} holds {array.dtype}; real numbers are needed.")
        if x.ndim not in (3, 4) or 0 in x.shape:
            raise DataError(
                f"{self.x}: signals have the shape {x.shape}; (samples, channels, time) or "
                "(samples, channels, rows, columns) is needed."
            )
        if y.ndim not in (1, 2) or len(y) != len(x):
            raise DataError(
                f"{self.y}: targets have the shape {y.shape} for {len(x)} signals; "
                f"({len(x)}, targets) is needed."
            )

    def _named(self, columns: int) -> tuple[Target, ...]:
        if self.targets is None and columns == len(TARGETS) and self.units is None:
            return TARGETS
        if self.targets is None:
            raise DataError(
                f"{self.y} has {columns} targets: name each, data.target=[…], and give their "
                "units, data.unit=[…]. Only six targets without data.unit have names of their own."
            )
        if len(self.targets) != columns:
            raise DataError(
                f"data.target={list(self.targets)} names {len(self.targets)} targets; "
                f"{self.y} has {columns}."
            )
        return named_targets(self.targets, self.units)


def _warn_of_channels_last(x: np.ndarray, where: Path) -> None:
    _, channels, *grid = x.shape
    if grid[-1] < channels:
        log.warning(
            "%s: signals of the shape %s are read as %d channels of %s; if the channels come last, "
            "save np.moveaxis(x, -1, 1)",
            *(where, x.shape, channels, " × ".join(map(str, grid))),
        )


def _check_numbers(y: np.ndarray, targets: Sequence[Target], where: Path) -> None:
    wrong = ~(np.abs(y) <= LARGEST)  # NaN and infinities are, too
    problems = []
    for i in np.flatnonzero(wrong.any(1)).tolist():
        k = int(wrong[i].argmax())  # of several the first tells enough
        flaw = TOO_LARGE if np.isfinite(y[i, k]) else "is no finite number"
        problems.append(Problem(f"{where}, record {i}", targets[k].name, f"{y[i, k]:g} {flaw}"))
    refuse(problems, len(y), "Mend these records, or take them out of both arrays.")


def flow(
    path: str | Path | None = None,
    x: str | Path | None = None,
    y: str | Path | None = None,
    arrays: Mapping[str, str] | None = None,
    target: str | Sequence[str] | None = None,
    unit: str | Sequence[str] | None = None,
    **options: Any,
) -> SignalData:
    """The user's flow signals: see `FlowFiles`, and `SignalData` for the options.

    Args:
        path: an .npz file that holds both arrays.
        x, y: instead of `path`, two .npy files.
        arrays: the names of `x` and `y` in the .npz file.
    """
    if (path is None) == (x is None) or (x is None) != (y is None):
        raise DataError(
            "data=flow needs data.path=….npz with both arrays, or data.x=….npy and data.y=….npy."
        )
    known = {**_ARRAYS, **{role: name for role, name in (arrays or {}).items() if name}}
    if set(known) != set(_ARRAYS):
        raise DataError(f"data.arrays={known}: the arrays are x (signals) and y (targets).")
    files = [Path(file).expanduser() for file in (x or path, y or path) if file is not None]
    source = FlowFiles(files[0], files[1], known, names(target, "target"), names(unit, "unit"))
    return SignalData(source, **options)


def flow_synthetic(
    n: int = 400,
    dimensions: int = 2,
    signal_seed: int = 0,
    pulses: int | None = None,
    depths: int | None = None,
    **options: Any,
) -> SignalData:
    """Synthetic flow signals: see `SyntheticFlow`, and `SignalData` for the options."""
    return SignalData(SyntheticFlow(n, dimensions, signal_seed, pulses, depths), **options)
