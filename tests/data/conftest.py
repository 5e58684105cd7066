"""Small files of crystals, written as users write them."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from crystal_csv import HEADER

from trialsmith.data import CrystalData, crystals
from trialsmith.graph import GraphBuilder
from trialsmith.text import HashedTokens


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CSV file."""

    def write(
        rows: Iterable[Iterable[str]], header: list[str] | None = HEADER, name: str = "own.csv"
    ) -> Path:
        path = tmp_path / name
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *rows] if header else rows)
        return path

    return write


@pytest.fixture
def open_data(tmp_path: Path) -> Callable[..., CrystalData]:
    """Opens the user's crystals, ready for training."""

    def open_data(path: Path, **options: object) -> CrystalData:
        options = {"cache_dir": tmp_path / "cache", "graph": GraphBuilder()} | options
        data = crystals(path, tokens=HashedTokens(), **options)
        data.prepare_data()
        data.setup("fit")
        return data

    return open_data
