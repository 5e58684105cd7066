"""Predictions into a file, as they come: CSV or JSON."""

import csv
import json
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from trialsmith.data.problem import Problem
from trialsmith.data.target import Target
from trialsmith.errors import DataError
from trialsmith.prediction.columns import columns, rows
from trialsmith.prediction.predicted import Predicted
from trialsmith.spreadsheet import guarded
from trialsmith.study.formats import plain

UNFINISHED = ".unfinished"


class Writer(ABC):
    """Takes predictions part by part.

    Args:
        several: there are spreads.
        models: the folders of the models.
    """

    def __init__(
        self, file: IO[str], targets: Sequence[Target], several: bool, models: Sequence[Path]
    ) -> None:
        self.file, self.targets, self.several, self.models = file, targets, several, models

    @abstractmethod
    def begin(self) -> None:
        """What stands before the first sample."""

    @abstractmethod
    def add(self, part: Predicted) -> None:
        """Some more samples."""

    @abstractmethod
    def end(self, skipped: Sequence[Problem], warnings: Sequence[str]) -> None:
        """What stands behind the last one."""


class Table(Writer):
    """CSV: a line each, with the units in columns of their own. What is skipped is not in it."""

    def begin(self) -> None:
        csv.writer(self.file).writerow(guarded(columns(self.targets, self.several)))

    def add(self, part: Predicted) -> None:
        csv.writer(self.file).writerows(map(guarded, rows(part)))

    def end(self, skipped: Sequence[Problem], warnings: Sequence[str]) -> None:
        pass


class Json(Writer):
    """JSON: models, targets with their units, predictions, skipped inputs and warnings."""

    def begin(self) -> None:
        self._first = True
        models = [str(model) for model in self.models]
        targets = [
            {"name": t.name, "unit": t.unit, **({"classes": list(t.classes)} if t.classes else {})}
            for t in self.targets
        ]
        self.file.write(
            f'{{\n"models": {_json(models)},\n"targets": {_json(targets)},\n"predictions": ['
        )

    def add(self, part: Predicted) -> None:
        for i in range(len(part)):
            self.file.write(f"{'' if self._first else ','}\n  {_json(part[i])}")
            self._first = False

    def end(self, skipped: Sequence[Problem], warnings: Sequence[str]) -> None:
        listed = [{"where": p.where, "id": p.id, "message": p.message} for p in skipped]
        self.file.write(
            f'\n],\n"skipped": {_json(listed)},\n"warnings": {_json(list(warnings))}\n}}\n'
        )


FORMATS: dict[str, type[Writer]] = {".csv": Table, ".json": Json}


def format_of(path: Path | None) -> type[Writer]:
    """The writer for a file, by its ending; CSV for the standard output.

    Raises:
        DataError: another ending.
    """
    if path is None:
        return Table
    if path.suffix.lower() not in FORMATS:
        raise DataError(f"--out {path}: the name must end in {' or '.join(FORMATS)}")
    return FORMATS[path.suffix.lower()]


@contextmanager
def opened(path: Path | None) -> Iterator[IO[str]]:
    """A file that has its name once it is whole; the standard output for None."""
    if path is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + UNFINISHED)
    with aside.open("w", encoding="utf-8", newline="") as file:
        yield file
    os.replace(aside, path)


def write_skipped(out: Path, skipped: Sequence[Problem]) -> Path | None:
    """A table of the skipped inputs beside `out`; none where all were good."""
    path = out.with_name(f"{out.stem}.skipped.csv")
    if not skipped:
        path.unlink(missing_ok=True)  # of an earlier prediction into the same file
        return None
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, quoting=csv.QUOTE_ALL)
        table.writerow(["where", "id", "message"])
        table.writerows(guarded((p.where, p.id, p.message)) for p in skipped)
    return path


def _json(value: object) -> str:
    return json.dumps(plain(value), ensure_ascii=False)
