"""Crystals in a CSV file: a row each, with the structure in it or beside it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from trialsmith.data.columns import role_columns, target_columns
from trialsmith.data.problem import Problem
from trialsmith.data.source import Row, Rows, Source, StructureText, number
from trialsmith.data.split import PARTS, part_named
from trialsmith.data.structure_text import structure_of
from trialsmith.data.table import Record, Table, read_table
from trialsmith.data.target import named_targets
from trialsmith.errors import DataError


class CrystalTable(Source):
    """A CSV file, gzipped or not, with a header.

    Args:
        path: the file.
        targets: columns to predict; None: the only column of numbers.
        units: of the targets; None: what the column's name states.
        columns: the column of each role (id, structure, text, split); see `role_columns`.
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
        table = read_table(self.path)
        roles = role_columns(self.path, table.header, self.columns)
        if roles["structure"] is None:
            raise DataError(
                f"{self.path} has no column of structures (such as 'cif'). Name the one that holds "
                f"CIF text or paths: data.columns.structure=NAME, one with blanks or parentheses "
                f"as 'data.columns.structure=\"Geometry (CIF)\"'. It has {', '.join(table.header)}."
            )
        folder = self.path.parent
        return rows_of(
            table, roles, self.targets, self.units, lambda field: structure_of(field, folder)
        )


def rows_of(
    table: Table,
    roles: Mapping[str, str | None],
    targets: Sequence[str] | None,
    units: Sequence[str] | None,
    structure: Callable[[str], StructureText],
) -> Rows:
    """Rows of a table whose columns are known.

    Args:
        roles: the column of each role, or None; a row without id is named after its line.
        structure: reads the field of the structure.
    """
    others = [name for name in table.header if name not in roles.values()]
    names = target_columns(table.path, others, targets, lambda name: _numeric(table, name))
    place = {role: table.column(name) for role, name in roles.items() if name is not None}
    values = [(name, table.column(name)) for name in names]

    def row(record: Record, id: str) -> Row:
        fields = record.fields
        return Row(
            id=id,
            where=table.where(record),
            structure=structure(fields[place["structure"]]),
            targets=tuple(number(fields[index], name) for name, index in values),
            text=fields[place["text"]].strip() if "text" in place else "",
            split=part_of(fields[place["split"]], str(roles["split"])) if "split" in place else "",
        )

    rows, problems = [], list(table.problems)
    for record in table.records:
        id = record.fields[place["id"]].strip() if "id" in place else ""
        id = id or f"line-{record.line}"
        try:
            rows.append(row(record, id))
        except DataError as error:
            problems.append(Problem(table.where(record), id, str(error)))
    return Rows(rows, named_targets(names, units), problems)


def _numeric(table: Table, name: str) -> bool:
    """Whether most fields of the column hold numbers, of those that are not empty."""
    index = table.column(name)
    fields = [text for record in table.records if (text := record.fields[index].strip())]
    return 2 * sum(map(is_number, fields)) > len(fields)


def is_number(text: str) -> bool:
    """Whether Python reads the text as a number, NaN and infinity included."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def part_of(name: str, column: str) -> str:
    part = part_named(name)
    if part is None:
        raise DataError(f"{column}={name[:40]!r} must be one of {', '.join(PARTS)}")
    return part
