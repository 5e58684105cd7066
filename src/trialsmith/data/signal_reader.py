"""New records for a trained model: signals in .npy and .npz files, images in IDX files, arrays."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Num

from trialsmith.data.flow_files import DAMAGE, forget, is_archive, mapped, members
from trialsmith.data.idx_files import idx_array
from trialsmith.data.problem import Problem, nearest
from trialsmith.data.reader import Reader
from trialsmith.data.signal_records import Preparation, raw
from trialsmith.data.signals import SignalBatch
from trialsmith.errors import DataError

_ARRAYS = (".npy", ".npz")


@dataclass(frozen=True, eq=False)
class Record:
    """One record as its file has it, of all channels."""

    id: str
    where: str
    signal: Num[np.ndarray, "channels *grid"] = field(repr=False)


class SignalReader(Reader):
    """Records as `SignalData` reads its own, standardised by the training's means and spreads.

    Args:
        preparation, on_error: as in training; a record with an overflow is refused, or masked
            where the training's were (`mask`).
        member: what the array of signals is called in an .npz file.
        cache_dir: where compressed arrays are extracted.
        state: of the checkpoint: `record` (the shape of the training's records, all channels),
            `channels` that are kept, and their `mean` and `std`.
    """

    def __init__(
        self,
        preparation: Preparation,
        on_error: str,
        member: str,
        cache_dir: Path,
        state: Mapping[str, Any],
    ) -> None:
        self.preparation, self.on_error = preparation, on_error
        self.member, self.cache_dir = member, cache_dir
        self.record: tuple[int, ...] = tuple(state["record"])
        self.channels: tuple[int, ...] = tuple(state["channels"])
        over = (-1,) + (1,) * (len(self.record) - 1)
        self._mean = np.asarray(state["mean"], np.float32).reshape(over)
        self._std = np.asarray(state["std"], np.float32).reshape(over)

    def samples(self, inputs: Iterable[Any]) -> Iterator[Record | Problem]:
        """Every record of files and arrays; of a folder, of its .npy and .npz files."""
        for number, item in enumerate(inputs):
            if isinstance(item, str | Path):
                yield from self._of_path(Path(item).expanduser())
            elif isinstance(item, np.ndarray | torch.Tensor):
                yield from self._of_array(np.asarray(item), f"array {number}")
            else:
                kind = type(item).__name__
                raise DataError(f"input {number} is a {kind}: give paths or arrays of records")

    def batch(
        self, samples: Sequence[Record]
    ) -> tuple[SignalBatch | None, list[int], list[Problem]]:
        """See `Reader.batch`."""
        if not samples:
            return None, [], []
        stacked = np.stack([sample.signal for sample in samples])
        for sample in samples:
            forget(sample.signal)
        signals = raw(stacked, np.arange(len(stacked)), self.channels)
        mask = self.on_error == "mask"
        bad = self.preparation.unusable(signals, mask)
        message = (
            f"has {'nothing but ' if mask else ''}overflows, NaNs or infinities in a channel that "
            "the model reads"
        )
        problems = [
            Problem(samples[i].where, samples[i].id, message) for i in np.flatnonzero(bad).tolist()
        ]
        kept = np.flatnonzero(~bad).tolist()
        if not kept:
            return None, [], problems
        standardised = (self.preparation(signals[~bad]) - self._mean) / self._std
        nothing = torch.zeros(len(kept), 0)
        ids = [samples[i].id for i in kept]
        return SignalBatch(torch.from_numpy(standardised), nothing, ids), kept, problems

    def _of_path(self, path: Path) -> Iterator[Record | Problem]:
        try:
            if not path.exists():
                beside = path.parent.iterdir() if path.parent.is_dir() else ()
                hint = nearest(path.name, [entry.name for entry in beside])
                raise DataError(f"no such file.{hint}")
            if path.is_dir():
                files = sorted(file for file in path.iterdir() if file.suffix.lower() in _ARRAYS)
                if not files:
                    raise DataError("holds no .npy or .npz files")
                for file in files:
                    yield from self._of_path(file)
                return
            yield from self._of_array(self._opened(path), str(path))
        except DataError as flaw:
            yield Problem(str(path), path.name, str(flaw))

    def _opened(self, path: Path) -> np.ndarray:
        """The array of records in a file, mapped where it can be."""
        if path.suffix.lower() not in _ARRAYS:
            images = idx_array(path)
            return images[:, None] if images.ndim == len(self.record) else images
        name = self.member
        if is_archive(path):
            try:
                known = members(path)
            except DAMAGE as error:
                raise DataError(f"cannot be read as an .npz file: {error}") from None
            name = known[0] if len(known) == 1 else name
        return mapped(path, name, "array", self.cache_dir)

    def _of_array(self, array: np.ndarray, where: str) -> Iterator[Record | Problem]:
        if array.shape == self.record:
            array = array[None]
        if array.dtype.kind not in "fiu" or array.shape[1:] != self.record:
            raise DataError(
                f"{where} holds {array.dtype} of the shape {array.shape}; the model was trained on "
                f"records of the shape {self.record}: (records, {', '.join(map(str, self.record))})"
            )
        for i in range(len(array)):
            yield Record(f"{i:06d}", f"{where} record {i}", array[i])
