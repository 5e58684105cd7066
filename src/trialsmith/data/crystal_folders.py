"""Crystals in a folder of structure files with a table beside them, in the two usual layouts."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from trialsmith.data.columns import role_columns
from trialsmith.data.crystal_table import is_number, rows_of
from trialsmith.data.source import Rows, Source, StructureText
from trialsmith.data.structure_text import structure_file
from trialsmith.data.table import Table, read_table
from trialsmith.errors import DataError

PROPERTIES = "id_prop.csv"
DESCRIPTIONS = "description.csv"
CIFS = "cif"

# What these layouts call the property: no name of its own, so that data.target may give one.
_NAMELESS = ("prop", "target")


class PropertyFolder(Source):
    """Structure files and `id_prop.csv` without header: `file,value[,value ...]`.

    The layout of ALIGNN, and of CGCNN where the file's ending is left out. The values have no
    names: they are `target`, or `target_1`, `target_2`, ..., or what `targets` calls them.

    Args:
        path: the folder.
        targets: names for all values, or those of the names above that shall be predicted.
        units: of the targets; None: what their names state.
    """

    def __init__(
        self, path: Path, targets: Sequence[str] | None, units: Sequence[str] | None
    ) -> None:
        self.path, self.targets, self.units = path, targets, units

    def read(self, cache_dir: Path) -> Rows:
        """Reads the rows; see `Source.read`."""
        table = read_table(self.path / PROPERTIES, header=False)
        values = len(table.records[0].fields) - 1 if table.records else 0
        if values < 1:
            raise DataError(f"{table.path}: each line must be file,value[,value ...], no header.")
        names = ["target"] if values == 1 else [f"target_{i + 1}" for i in range(values)]
        chosen = self.targets
        if chosen is not None and len(chosen) == values and not set(chosen) <= set(names):
            names = list(chosen)
        named = Table(table.path, ["file", *names], table.records, table.problems)
        roles = {"id": "file", "structure": "file"}
        _refuse_header(table)
        return rows_of(named, roles, chosen or names, self.units, self._structure)

    def _structure(self, name: str) -> StructureText:
        return _first_file(self.path, [name.strip(), f"{name.strip()}.cif", f"{name.strip()}.vasp"])


class DescribedFolder(Source):
    """A folder `cif/` of `<id>.cif` and `description.csv` with a text for each.

    The layout of CrysMMNet, with either header: `Id, Composition, prop, Description, File_Name`
    or `ID, Description, target`. Other columns may be chosen as targets by name.

    Args:
        path: the folder that holds both.
        targets: columns to predict; a name of one's own for the column `prop` or `target`.
        units: of the targets; None: what their names state.
        columns: the column of each role (id, text, split); see `role_columns`.
    """

    def __init__(
        self,
        path: Path,
        targets: Sequence[str] | None,
        units: Sequence[str] | None,
        columns: Mapping[str, str | None],
    ) -> None:
        self.path, self.targets, self.units, self.columns = path, targets, units, columns

    def read(self, cache_dir: Path) -> Rows:
        """Reads the rows; see `Source.read`."""
        table = read_table(self.path / DESCRIPTIONS)
        roles = role_columns(table.path, table.header, {**self.columns, "structure": "none"})
        if roles["id"] is None:
            raise DataError(
                f"{table.path} has no column 'Id' or 'ID', after which the files in {CIFS}/ are "
                f"named. It has {', '.join(table.header)}."
            )
        table = self._with_name_of_property(table)
        roles["structure"] = roles["id"]
        return rows_of(table, roles, self._chosen(table), self.units, self._structure)

    def _with_name_of_property(self, table: Table) -> Table:
        """The table with the nameless property called what `targets` calls it."""
        if self.targets is None or len(self.targets) != 1 or self.targets[0] in table.header:
            return table
        header = [self.targets[0] if name in _NAMELESS else name for name in table.header]
        return Table(table.path, header, table.records, table.problems)

    def _chosen(self, table: Table) -> Sequence[str] | None:
        if self.targets is not None:
            return self.targets
        nameless = [name for name in table.header if name in _NAMELESS]
        return nameless or None

    def _structure(self, id: str) -> StructureText:
        name = id.strip().removesuffix(".cif")
        return _first_file(self.path / CIFS, [f"{name}.cif"])


def _refuse_header(table: Table) -> None:
    """Tells a header from a row: no row of this layout begins without a number behind the file.

    Raises:
        DataError: the first line holds names, and the others numbers.
    """
    first, *others = table.records
    if not any(map(is_number, first.fields[1:])) and any(
        is_number(field) for record in others for field in record.fields[1:]
    ):
        raise DataError(
            f"{table.where(first)} is a header ({','.join(first.fields)[:60]}), and this layout "
            "has none: remove the line, and name the values with data.target=..."
        )


def _first_file(folder: Path, names: Sequence[str]) -> StructureText:
    """The first of the files that exists.

    Raises:
        DataError: none does, or it cannot be read; told of the first name.
    """
    found = next((name for name in names if name and (folder / name).is_file()), names[0])
    return structure_file(folder / found)
