"""What the configs of the group `data` build: one function for each source of crystals."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trialsmith.data.alloy_crystals import TARGET, Alloys
from trialsmith.data.crystal_data import CrystalData
from trialsmith.data.crystal_files import CrystalFiles, names
from trialsmith.data.jarvis_dft import JarvisDft
from trialsmith.errors import DataError


def alloys(
    n: int = 500, crystal_seed: int = 0, target: str = TARGET.name, **options: Any
) -> CrystalData:
    """Built-in alloys: see `Alloys`, and `CrystalData` for the options.

    Args:
        n: how many crystals.
        crystal_seed: which ones; the split has a `seed` of its own.
        target: the one there is.
    """
    if target != TARGET.name:
        raise DataError(f"data.target={target}: data=alloys has {TARGET.name} only.")
    return CrystalData(Alloys(n, crystal_seed), **options)


def crystals(
    path: str | Path,
    target: str | Sequence[str] | None = None,
    unit: str | Sequence[str] | None = None,
    columns: Mapping[str, str | None] | None = None,
    **options: Any,
) -> CrystalData:
    """The user's own crystals: see `crystal_files`, and `CrystalData` for the options."""
    return CrystalData(CrystalFiles(path, target, unit, columns or {}), **options)


def jarvis(
    target: str | Sequence[str],
    dataset: str = "dft_3d",
    path: str | Path | None = None,
    unit: str | Sequence[str] | None = None,
    **options: Any,
) -> CrystalData:
    """JARVIS-DFT: see `JarvisDft`, and `CrystalData` for the options."""
    if not target:
        raise DataError("data.target: name a property of JARVIS, e.g. data.target=mbj_bandgap")
    file = None if path is None else Path(path).expanduser()
    source = JarvisDft(names(target, "target"), names(unit, "unit"), dataset, file)
    return CrystalData(source, **options)
