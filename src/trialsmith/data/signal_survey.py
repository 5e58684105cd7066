"""All records gone through once: what is wrong with them, and their means and spreads."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from filelock import FileLock
from jaxtyping import Float, Int

from trialsmith.data.flow_files import forget
from trialsmith.data.signal_records import Preparation, blocks, raw
from trialsmith.data.signals import Signals
from trialsmith.graph import cached_arrays, digest

# Raise it whenever the same records would be prepared otherwise: old caches are left alone.
VERSION = 1


@dataclass(frozen=True, eq=False)
class Survey:
    """Prepared records, and what one pass over them found; in the order of `samples`.

    The pass is made once and cached. It holds one block of records in memory at a time. Records
    that are downsampled are kept in the cache, for filtering costs more than reading; others are
    read from their own file again.
    """

    signals: Signals
    samples: Int[np.ndarray, "samples"]  # their places in the source
    preparation: Preparation
    channels: tuple[int, ...]
    cache_dir: Path
    found: dict[str, np.ndarray] = field(init=False)
    _shorter: np.ndarray | None = field(init=False)

    def __post_init__(self) -> None:
        preparation = self.preparation
        key = digest(
            f"signals {VERSION} {self.signals.key} {self.channels} {preparation.sentinel} "
            f"{preparation.downsample_factor} {preparation.time_axis}",
            self.samples,
        )
        folder = self.cache_dir / "signals"
        stored = folder / f"{key}.records.npy" if preparation.downsample_factor > 1 else None
        if stored is not None:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(stored.with_suffix(".lock")):
                if not stored.exists():
                    unfinished = stored.with_suffix(".unfinished")
                    self._store(unfinished)
                    unfinished.replace(stored)
        mapped = None if stored is None else np.load(stored, mmap_mode="r", allow_pickle=False)
        # frozen: set once, here
        object.__setattr__(self, "_shorter", mapped)
        object.__setattr__(self, "found", dict(cached_arrays(folder, key, self._look)))

    def gather(self, places: Int[np.ndarray, "chosen"]) -> Float[np.ndarray, "chosen kept *grid"]:
        """Prepared records, by their places in `samples`."""
        if self._shorter is not None:
            records = np.array(self._shorter[places])
            forget(self._shorter)
            return records
        return self.preparation(raw(self.signals.x, self.samples[places], self.channels))

    def moments(
        self, places: Int[np.ndarray, "chosen"]
    ) -> tuple[Float[np.ndarray, "kept"], Float[np.ndarray, "kept"]]:
        """Mean and standard deviation of each channel over the points of some records.

        With record i's own mean m_i and variance v_i, and as many points in each,
        mean = ⟨m_i⟩ and variance = ⟨v_i⟩ + ⟨(m_i − mean)²⟩. A channel that does not vary keeps its
        unit: its standard deviation is taken as one.
        """
        means, variances = self.found["mean"][places], self.found["variance"][places]
        mean = means.mean(0)
        std = np.sqrt(variances.mean(0) + ((means - mean) ** 2).mean(0))
        std = np.where(std > 1e-6 * np.abs(mean).clip(min=1e-30), std, 1.0)
        return mean.astype(np.float32), std.astype(np.float32)

    def _pass(self, each: Callable[[np.ndarray, np.ndarray], None]) -> None:
        """Calls `each` with places and raw records, block by block."""
        bytes_each = 4 * len(self.channels) * int(np.prod(self.signals.x.shape[2:]))
        for places in blocks(np.arange(len(self.samples)), bytes_each):
            each(places, raw(self.signals.x, self.samples[places], self.channels))

    def _store(self, path: Path) -> None:
        first = self.preparation(raw(self.signals.x, self.samples[:1], self.channels))
        shape = (len(self.samples), *first.shape[1:])
        file = np.lib.format.open_memmap(path, "w+", np.float32, shape)

        def write(places: np.ndarray, records: np.ndarray) -> None:
            file[places] = self.preparation(records)
            file.flush()
            forget(file)

        self._pass(write)

    def _look(self) -> dict[str, np.ndarray]:
        shape = (len(self.samples), len(self.channels))
        checksums = np.zeros(shape[0], np.uint32)
        overflows, mean, variance = np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape)

        def look(places: np.ndarray, records: np.ndarray) -> None:
            over = tuple(range(2, records.ndim))
            checksums[places] = [zlib.crc32(record.data) for record in records]
            overflows[places] = (~self.preparation.valid(records)).sum(over)
            prepared = self.gather(places)
            mean[places] = prepared.mean(over, dtype=np.float64)
            variance[places] = prepared.var(over, dtype=np.float64)

        self._pass(look)
        return {
            "checksums": checksums,
            "overflows": overflows,
            "mean": mean,
            "variance": variance,
        }
