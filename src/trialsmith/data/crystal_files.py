"""The user's own crystals, in any layout that is known."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import overload

from trialsmith.data.ase_database import AseDatabase
from trialsmith.data.crystal_folders import (
    CIFS,
    DESCRIPTIONS,
    PROPERTIES,
    DescribedFolder,
    PropertyFolder,
)
from trialsmith.data.crystal_table import CrystalTable
from trialsmith.data.paths import missing
from trialsmith.data.source import Rows, Source
from trialsmith.data.structure_text import format_of
from trialsmith.errors import DataError

_DATABASES = (".db", ".sqlite", ".sqlite3")
_TABLES = (".csv", ".tsv", ".txt", ".gz")  # whatever their names begin with
_LAYOUTS = (
    f"a CSV file, a folder with {PROPERTIES}, a folder with {CIFS}/ and {DESCRIPTIONS}, "
    "or an ase.db file"
)


class CrystalFiles(Source):
    """`crystal_files`, opened when it is read: a trained model is loaded where they are not."""

    def __init__(
        self,
        path: str | Path,
        target: str | Sequence[str] | None,
        unit: str | Sequence[str] | None,
        columns: Mapping[str, str | None],
    ) -> None:
        self.path, self.target, self.unit, self.columns = path, target, unit, columns

    def read(self, cache_dir: Path) -> Rows:
        """The rows of the source that fits; see `Source.read`."""
        return crystal_files(self.path, self.target, self.unit, self.columns).read(cache_dir)


def crystal_files(
    path: str | Path,
    target: str | Sequence[str] | None = None,
    unit: str | Sequence[str] | None = None,
    columns: Mapping[str, str | None] | None = None,
) -> Source:
    """The source that fits what stands at the path.

    Args:
        path: a CSV file (gzipped or not), one of two folder layouts, or an ase.db file.
        target: column or columns to predict; None: the only one.
        unit: of the target or targets; None: what the columns' names state.
        columns: the column of each role (id, structure, text, split).

    Raises:
        DataError: nothing is there, or no known layout.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise DataError(f"data.path={path}: {missing(path)}")
    targets, units = names(target, "target"), names(unit, "unit")
    columns = columns or {}
    if path.is_dir():
        if (path / PROPERTIES).is_file():
            return PropertyFolder(path, targets, units)
        if (path / DESCRIPTIONS).is_file() and (path / CIFS).is_dir():
            return DescribedFolder(path, targets, units, columns)
        raise DataError(f"data.path={path}: {_unknown_folder(path)}")
    if path.suffix.lower() in _DATABASES:
        return AseDatabase(path, targets, units, columns)
    if format_of(path) is not None and path.suffix.lower() not in _TABLES:
        raise DataError(
            f"data.path={path} is a structure, and a collection of them with their targets is "
            f"needed: {_LAYOUTS}."
        )
    return CrystalTable(path, targets, units, columns)


@overload
def names(value: None, key: str) -> None: ...
@overload
def names(value: str | Sequence[str], key: str) -> list[str]: ...
@overload
def names(value: str | Sequence[str] | None, key: str) -> list[str] | None: ...
def names(value: str | Sequence[str] | None, key: str) -> list[str] | None:
    """One name or several, as a list; None stays None.

    Raises:
        DataError: no name, an empty one, or a target that occurs twice.
    """
    if value is None:
        return None
    found = [value] if isinstance(value, str) else list(value)
    differ = key != "target" or (all(found) and len(set(found)) == len(found))
    if not found or not differ:
        raise DataError(f"data.{key}={found}: name each {key} once, or leave it at null.")
    return found


def _unknown_folder(path: Path) -> str:
    """What the folder lacks, and the layout or table within it when there is one."""
    if (path / DESCRIPTIONS).is_file():
        return f"{DESCRIPTIONS} is there and the folder {CIFS}/ is not."
    if path.name == CIFS and (path.parent / DESCRIPTIONS).is_file():
        return f"give the folder that holds {CIFS}/: data.path={path.parent}"
    tables = [p for depth in ("*", "*/*") for p in path.glob(f"{depth}/*.csv")]
    found = [table.parent for table in tables if table.name in (PROPERTIES, DESCRIPTIONS)]
    found += sorted(path.glob("*.csv"))
    hint = f" Did you mean data.path={found[0]}?" if found else ""
    return f"no known layout. Needed is {_LAYOUTS}.{hint}"
