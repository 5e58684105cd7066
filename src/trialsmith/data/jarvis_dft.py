"""JARVIS-DFT by name, downloaded by jarvis-tools or from a file of the same format."""

import contextlib
import json
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from trialsmith.data.paths import check_file
from trialsmith.data.problem import Problem, nearest
from trialsmith.data.source import Row, Rows, Source, finite
from trialsmith.data.structure_arrays import letters, packed, texts_of, unpacked
from trialsmith.data.structure_json import structure_of_jarvis
from trialsmith.data.target import named_targets
from trialsmith.errors import DataError
from trialsmith.graph import Structure, cached_arrays, digest

# Raise it whenever an entry is read differently: old caches are left alone.
VERSION = 1
# How the files say that a property was not computed for a crystal.
_NOT_COMPUTED = ("na", None, "")

# Choudhary et al., npj Comput. Mater. 6, 173 (2020), table 1.
_UNITS = {
    "formation_energy_peratom": "eV/atom",
    "optb88vdw_total_energy": "eV/atom",
    "ehull": "eV/atom",
    "optb88vdw_bandgap": "eV",
    "mbj_bandgap": "eV",
    "hse_gap": "eV",
    "bulk_modulus_kv": "GPa",
    "shear_modulus_gv": "GPa",
    "exfoliation_energy": "meV/atom",
    "slme": "%",
    "n-Seebeck": "µV/K",
    "p-Seebeck": "µV/K",
    "n-powerfact": "µW/(m K²)",
    "p-powerfact": "µW/(m K²)",
    "magmom_outcar": "µB",
    "magmom_oszicar": "µB",
    "avg_elec_mass": "mₑ",
    "avg_hole_mass": "mₑ",
    "Tc_supercon": "K",
}


class JarvisDft(Source):
    """A data set of JARVIS: entries with `jid`, `atoms` and properties.

    Entries whose property is `na`, not computed, are no rows. What was read is kept in the cache,
    since the files are large.

    Args:
        targets: names of properties.
        units: of the targets; None: those of JARVIS.
        dataset: what jarvis-tools calls it, such as `dft_3d`.
        path: a JSON file of the same format, zipped or not, instead of the download.
    """

    def __init__(
        self,
        targets: Sequence[str],
        units: Sequence[str] | None,
        dataset: str,
        path: Path | None,
    ) -> None:
        self.targets, self.units, self.dataset, self.path = targets, units, dataset, path

    def read(self, cache_dir: Path) -> Rows:
        """Reads the entries; see `Source.read`."""
        file = _downloaded(self.dataset, cache_dir) if self.path is None else self.path
        check_file(file, "a JSON file of JARVIS, zipped or not,")
        key = digest(f"jarvis {VERSION}", file.read_bytes(), *self.targets)
        arrays = cached_arrays(cache_dir / "jarvis", key, lambda: self._read(file))
        ids, wheres = texts_of(arrays["ids"]), [f"{file} entry {i}" for i in arrays["entries"]]
        flaws = texts_of(arrays["flaws"])
        rows, problems = [], []
        contents = zip(ids, wheres, unpacked(arrays), arrays["values"].tolist(), flaws, strict=True)
        for id, where, structure, values, flaw in contents:
            if structure is None:
                problems.append(Problem(where, id, flaw))
            else:
                rows.append(Row(id, where, structure, tuple(values)))
        units = self.units or [_UNITS.get(name, "") for name in self.targets]
        return Rows(rows, named_targets(self.targets, units), problems)

    def _read(self, file: Path) -> dict[str, np.ndarray]:
        """The entries with all targets as flat arrays."""
        entries = _entries(file)
        self._check_names(file, entries)
        kept = [
            (number, entry)
            for number, entry in enumerate(entries, start=1)
            if all(entry.get(name) not in _NOT_COMPUTED for name in self.targets)
        ]
        if not kept:
            raise DataError(f"{file}: no entry has a value of {', '.join(self.targets)}.")
        structures: list[Structure | None] = []
        values, flaws = [], []
        for _, entry in kept:
            try:
                structure = structure_of_jarvis(entry.get("atoms"))
                values.append([_number(entry[name], name) for name in self.targets])
                structures.append(structure)
                flaws.append("")
            except DataError as flaw:
                structures.append(None)
                values.append([0.0] * len(self.targets))
                flaws.append(str(flaw))
        return packed(structures) | {
            "entries": np.array([number for number, _ in kept]),
            "ids": letters([str(entry.get("jid", f"entry-{number}")) for number, entry in kept]),
            "values": np.array(values, np.float64),
            "flaws": letters(flaws),
        }

    def _check_names(self, file: Path, entries: list[dict[str, Any]]) -> None:
        known = [name for name in entries[0] if name not in ("jid", "atoms")]
        for name in self.targets:
            if not any(name in entry for entry in entries):
                raise DataError(
                    f"data.target={name}: {file} has no such property.{nearest(name, known)} "
                    f"It has {', '.join(known)}."
                )


def _entries(file: Path) -> list[dict[str, Any]]:
    """What the file holds.

    Raises:
        DataError: it is damaged or holds something else.
    """
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                content = archive.read(archive.namelist()[0])
        else:
            content = file.read_bytes()
        entries = json.loads(content)
    except (zipfile.BadZipFile, IndexError, ValueError) as error:
        raise DataError(
            f"{file} is neither JSON nor JSON in a zip file, or it is damaged: fetch it anew."
        ) from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise DataError(f"{file} must hold a list of entries with jid, atoms and properties.")
    if not entries:
        raise DataError(f"{file} holds no entries.")
    return entries


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise DataError(f"{name}={value!r} is not a number")
    return finite(value, name)


def _downloaded(dataset: str, cache_dir: Path) -> Path:
    """The file of the data set, fetched by jarvis-tools unless it is there.

    Raises:
        DataError: jarvis-tools is missing, knows no such data set, or cannot reach its server.
    """
    try:
        from jarvis.db.figshare import data as figshare
        from jarvis.db.figshare import get_db_info
    except ImportError as error:
        raise DataError(
            "data=jarvis needs jarvis-tools: pip install 'trialsmith[jarvis]', or give a file of "
            "the data set: data.path=.../dft_3d.json"
        ) from error
    known: Mapping[str, Sequence[str]] = get_db_info()
    if dataset not in known:
        raise DataError(
            f"data.dataset={dataset} is unknown to jarvis-tools.{nearest(dataset, known)}"
        )
    url, name = known[dataset][0], known[dataset][1]
    folder = cache_dir / "jarvis_download"
    file = folder / f"{name}.zip"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock"):
        # A download that was cut short stays under this name, and jarvis-tools would not mend it.
        if zipfile.is_zipfile(file):
            return file
        file.unlink(missing_ok=True)
        try:
            with contextlib.redirect_stdout(sys.stderr):  # jarvis-tools prints
                figshare(dataset=dataset, store_dir=str(folder))
        except Exception as error:  # whatever a network can do
            file.unlink(missing_ok=True)
            raise DataError(
                f"{dataset} cannot be downloaded from {url}: {type(error).__name__}. "
                f"Offline, fetch this file elsewhere and give it: data.path=<folder>/{name}.zip"
            ) from error
    return file
