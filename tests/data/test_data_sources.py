"""Every layout of the user's own crystals, on real data."""

import csv
import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from crystal_csv import HEADER, cif, good_rows

from trialsmith.data import CrystalData, Target
from trialsmith.data.parse import parse
from trialsmith.data.source import StructureText
from trialsmith.errors import DataError

Open = Callable[..., CrystalData]
Write = Callable[..., Path]


def targets_by_species(data: CrystalData) -> list[tuple[tuple[int, ...], float]]:
    """What each crystal is made of and its target, over all parts, sorted."""
    found = []
    for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader()):
        for batch in loader:
            for i in range(len(batch)):
                atoms = batch.crystal == i
                numbers = batch.species[atoms].repeat_interleave(
                    batch.atom_multiplicity[atoms].long()
                )
                found.append((tuple(sorted(numbers.tolist())), round(float(batch.target[i, 0]), 4)))
    return sorted(found)


def test_the_real_table_keeps_its_own_split(shared: Path, open_data: Open) -> None:
    path = shared / "data/crystals/mp20_text.csv"
    data = open_data(path, target="formation_energy_per_atom_eV")
    assert data.sizes == {"train": 800, "val": 100, "test": 100}
    assert data.targets == (Target("formation_energy_per_atom_eV", "eV/atom"),)
    with path.open(newline="", encoding="utf-8") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    for batch in data.test_dataloader():
        assert {rows[id]["split"] for id in batch.ids} == {"test"}
        known = [float(rows[id]["formation_energy_per_atom_eV"]) for id in batch.ids]
        np.testing.assert_allclose(batch.target[:, 0], known, rtol=1e-6)
        atoms = np.bincount(batch.crystal, weights=batch.atom_multiplicity)
        counted = [len(parse(StructureText(rows[id]["cif"], "cif"))) for id in batch.ids]
        np.testing.assert_array_equal(atoms, counted)
        assert batch.token_mask.any(dim=1).all()


def test_the_same_crystals_in_all_layouts_are_the_same_data(
    shared: Path, open_data: Open, tmp_path: Path
) -> None:
    alignn = shared / "data/layout_alignn"
    described = shared / "data/layout_crysmmnet/jarvis/mbj_bandgap"
    expected = targets_by_species(open_data(alignn, unit="eV"))
    assert len(expected) == 120
    assert targets_by_species(open_data(described)) == expected
    assert targets_by_species(open_data(ase_database(alignn, tmp_path / "own.db"))) == expected
    assert targets_by_species(open_data(csv_of_paths(alignn, tmp_path))) == expected


def ase_database(folder: Path, path: Path) -> Path:
    """The crystals of a folder in ALIGNN's layout as an ase.db file."""
    from ase.db import connect
    from ase.io import read

    with (folder / "id_prop.csv").open(newline="") as file, connect(path) as database:
        for name, value in csv.reader(file):
            database.write(read(folder / name), name=name, gap_eV=float(value))
    return path


def csv_of_paths(folder: Path, to: Path) -> Path:
    """The same as a gzipped CSV file with relative paths."""
    shutil.copytree(folder, to / "files")
    lines = (folder / "id_prop.csv").read_text().split()
    text = "\n".join(["file,gap_eV", *(f"files/{line}" for line in lines)])
    path = to / "own.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_given_text_is_used_in_the_layout_with_descriptions(shared: Path, open_data: Open) -> None:
    folder = shared / "data/layout_crysmmnet/jarvis/mbj_bandgap"
    data = open_data(folder, target="mbj_bandgap_eV")
    assert data.targets == (Target("mbj_bandgap_eV", "eV"),)
    with (folder / "description.csv").open(newline="", encoding="utf-8") as file:
        texts = {row["Id"]: row["Description"] for row in csv.DictReader(file)}
    for batch in data.val_dataloader():
        lengths = [len(t) for t in data.tokens([texts[id] for id in batch.ids], Path())]
        assert batch.token_mask.sum(1).tolist() == lengths


def test_the_other_header_of_descriptions(open_data: Open, tmp_path: Path) -> None:
    (tmp_path / "cif").mkdir()
    lines = ["ID, Description, target"]
    for i in range(10):
        (tmp_path / "cif" / f"{i}.cif").write_text(cif(a=4 + 0.1 * i))
        lines.append(f'{i}, "salt, number {i}", {i / 10}')
    (tmp_path / "description.csv").write_text("\n".join(lines).replace(', "', ',"'))
    data = open_data(tmp_path)
    assert data.targets == (Target("target", ""),)
    assert len(targets_by_species(data)) == 10
    with pytest.raises(DataError, match="give the folder that holds cif/"):
        open_data(tmp_path / "cif")


def test_several_values_and_names_without_ending(open_data: Open, tmp_path: Path) -> None:
    lines = []
    for i in range(10):
        (tmp_path / f"{i}.cif").write_text(cif(a=4 + 0.1 * i))
        lines.append(f"{i},{i / 10},{i + 1}")
    (tmp_path / "id_prop.csv").write_text("\n".join(lines))
    data = open_data(tmp_path)
    assert [target.name for target in data.targets] == ["target_1", "target_2"]
    assert data.dimensions == {"outputs": 2}
    named = open_data(tmp_path, target=["gap_eV", "bulk_GPa"])
    assert named.targets == (Target("gap_eV", "eV"), Target("bulk_GPa", "GPa"))
    chosen = open_data(tmp_path, target="target_2")
    assert sorted(value for _, value in targets_by_species(chosen)) == [i + 1 for i in range(10)]


def test_a_folder_names_the_line_of_a_missing_file(open_data: Open, tmp_path: Path) -> None:
    (tmp_path / "salt.cif").write_text(cif())
    (tmp_path / "id_prop.csv").write_text("salt.cif,1\nsalz.cif,2\n")
    with pytest.raises(DataError, match=r"id_prop\.csv line 2 .*Did you mean 'salt\.cif'\?"):
        open_data(tmp_path)


def test_keys_of_a_database(open_data: Open, tmp_path: Path) -> None:
    from ase import Atoms
    from ase.db import connect

    path = tmp_path / "own.db"
    with connect(path) as database:
        for i in range(10):
            salt = Atoms("CsCl", [[0, 0, 0], [2, 2, 2]], cell=[4 + 0.1 * i] * 3, pbc=True)
            pairs = {"jid": f"J-{i}", "split": ("train", "val", "test")[i % 3]}
            database.write(salt, gap_eV=0.1 * i, data={"description": "salt " * i}, **pairs)
    data = open_data(path, describe="never")
    assert data.sizes == {"train": 4, "val": 3, "test": 3}
    (batch,) = data.val_dataloader()
    assert batch.ids == ["J-1", "J-4", "J-7"]
    assert batch.token_mask.sum(1).tolist() == [1, 4, 7]
    with connect(path) as database:
        database.update(1, delete_keys=["gap_eV"])
    with pytest.raises(DataError, match=r"row 1 \(J-0\): gap_eV is empty"):
        open_data(path)


def test_windows_line_ends_semicolons_and_a_byte_order_mark(
    open_data: Open, write: Write, tmp_path: Path
) -> None:
    plain = open_data(write(good_rows()))
    path = tmp_path / "excel.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=";", lineterminator="\r\n").writerows([HEADER, *good_rows()])
    assert open_data(path).fingerprint == plain.fingerprint


def test_units_are_read_from_names_and_can_be_given(open_data: Open, write: Write) -> None:
    path = write(good_rows())
    assert open_data(path).targets == (Target("gap_eV", "eV"),)
    assert open_data(path, unit="Ry").targets == (Target("gap_eV", "Ry"),)


def test_structures_in_other_formats(open_data: Open, tmp_path: Path) -> None:
    from ase import Atoms

    rows = ["id,file,gap_eV"]
    for i in range(9):
        salt = Atoms("CsCl", [[0, 0, 0], [2, 2, 2]], cell=[4 + 0.1 * i] * 3, pbc=True)
        name = ("a{}.extxyz", "POSCAR-{}", "b{}.cif")[i % 3].format(i)
        salt.write(tmp_path / name, format=("extxyz", "vasp", "cif")[i % 3])
        rows.append(f"s{i},{name},{i}")
    (tmp_path / "own.csv").write_text("\n".join(rows))
    data = open_data(tmp_path / "own.csv")
    assert targets_by_species(data) == [((17, 55), float(i)) for i in range(9)]


def test_text_is_described_where_it_is_missing(open_data: Open, write: Write) -> None:
    rows = good_rows()
    rows[-1][2] = ""
    path = write(rows)

    def lengths(describe: str) -> list[int]:
        (batch,) = open_data(path, describe=describe).test_dataloader()
        return batch.token_mask.sum(1).tolist()

    given = lengths("never")
    assert given[:2] == [3, 3]  # crystal, number, 17
    assert given[2] == 0
    missing = lengths("missing")
    assert missing[:2] == [3, 3]
    assert missing[2] > 10
    assert min(lengths("always")) > 10


def test_names_of_columns_and_paths_as_others_write_them(
    open_data: Open, write: Write, tmp_path: Path
) -> None:
    (tmp_path / "files").mkdir()
    rows = good_rows()
    for row in rows:
        (tmp_path / "files" / f"{row[0]}.cif").write_text(row[1])
    header = ["Material ID", "File-Name", "gap_eV"]
    there = write([[row[0], f"files\\{row[0]}.cif", row[4]] for row in rows], header)
    data = open_data(there)
    assert [row.id for row in data._crystals.rows] == [row[0] for row in rows]


@pytest.mark.parametrize("header", ["id,prop", "file_name,target"])
def test_a_header_where_the_layout_has_none_is_told(
    open_data: Open, tmp_path: Path, header: str
) -> None:
    lines = [header]
    for row in good_rows():
        (tmp_path / f"{row[0]}.cif").write_text(row[1])
        lines.append(f"{row[0]},{row[4]}")
    (tmp_path / "id_prop.csv").write_text("\n".join(lines))
    with pytest.raises(DataError, match="line 1 is a header"):
        open_data(tmp_path)


def test_a_crystal_in_train_and_test_is_told(
    open_data: Open, write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    rows = good_rows()
    open_data(write(rows))
    assert not caplog.records
    rows[-1][1] = rows[0][1]  # the first is in train, the last in test
    open_data(write(rows))
    (record,) = caplog.records
    assert f"1 crystals of val or test are also in train ({rows[-1][0]})" in record.getMessage()
