"""Whatever is wrong with the user's data, the message says where, what and how to mend it."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from crystal_csv import HEADER, cif, good_rows

from trialsmith.data import CrystalData
from trialsmith.errors import DataError

Open = Callable[..., CrystalData]
Write = Callable[..., Path]

CIF, TARGET, SPLIT, ID = 1, 4, 3, 0

# What is wrong with one row: the field, its value, and what the message must say.
BAD_ROWS = {
    "broken CIF": (CIF, "data_x\n_cell_length_a 4\nloop_\n", "holds 0 structures"),
    "CIF cut off": (CIF, cif()[:-30], "the CIF cannot be read"),
    "no structure at all": (CIF, "what\nis\nthis\n", "the POSCAR cannot be read"),
    "empty structure": (CIF, "", "the structure is empty"),
    "missing structure file": (CIF, "nowhere/x.cif", "there is no structure file"),
    "neither a text nor a path": (
        CIF,
        "not a cif",
        "neither the text of a structure (a CIF begins",
    ),
    "CIF cut off within an entry": (CIF, "data_x\n_cell_length_a\n", "give the whole text"),
    "CIF without its head": (CIF, cif().partition("\n")[2], "has no data_ line"),
    "CIF without atoms": (CIF, cif().partition("Cs1")[0], "the CIF has no atoms"),
    "a path too long to be one": (CIF, "x" * 5000, "there is no structure file"),
    "element without features": (CIF, cif(name="Og"), "atomic number 118, which has no features"),
    "unknown element": (CIF, cif(name="Qq"), "Qq"),
    "partial occupancy": (CIF, cif(occupancy=0.5), "partly occupied (Cs 0.5)"),
    "no number as occupancy": (CIF, cif(occupancy=float("nan")), "partly occupied (Cs nan)"),
    "two atoms on one place": (CIF, cif(c=1e-3, x=0), "Å"),
    "flat cell": (CIF, cif(gamma=0), "check the lattice parameters"),
    "infinite lattice": (CIF, cif(a=float("inf")), "own.csv line 20 (c1)"),
    "no neighbours": (CIF, cif(a=40), "neighbour"),
    "empty target": (TARGET, "", "gap_eV is empty"),
    "target is a word": (TARGET, "n/a", "gap_eV='n/a' is not a number"),
    "target with a unit": (TARGET, "1.2 eV", "gap_eV='1.2 eV' is not a number"),
    "target is NaN": (TARGET, "nan", "gap_eV=nan is not finite"),
    "target is too large": (TARGET, "1e300", "gap_eV=1e+300 is beyond 1e+18"),
    "target is infinite": (TARGET, "-inf", "gap_eV=-inf is not finite"),
    "wrong split": (SPLIT, "trial", "split='trial' must be one of train, val, test"),
    "empty split name": (SPLIT, "", "split='' must be one of train, val, test"),
    "duplicate id": (ID, "c0", "stands already at"),
}


@pytest.mark.parametrize("kind", BAD_ROWS)
def test_a_bad_row_is_named_with_file_line_and_remedy(
    kind: str, open_data: Open, write: Write
) -> None:
    field, value, told = BAD_ROWS[kind]
    rows = good_rows()
    rows[1][field] = value
    path = write(rows)
    with pytest.raises(DataError) as refused:
        open_data(path)
    message = str(refused.value)
    assert told in message
    # the first crystal's CIF has 17 line breaks: its record fills lines 2 to 19
    assert f"{path} line 20 ({rows[1][ID]})" in message
    assert "1 of 20 rows" in message
    assert "data.on_error=skip" in message


@pytest.mark.parametrize("kind", BAD_ROWS)
def test_a_bad_row_can_be_skipped_and_is_listed(kind: str, open_data: Open, write: Write) -> None:
    field, value, told = BAD_ROWS[kind]
    rows = good_rows()
    rows[1][field] = value
    data = open_data(write(rows), on_error="skip")
    assert sum(data.sizes.values()) == 19
    (problem,) = data.skipped
    assert told in str(problem)
    assert problem.id == rows[1][ID]
    # what is left is what the file without that row gives
    without = open_data(write([rows[0], *rows[2:]], name="without.csv"))
    assert data.fingerprint == without.fingerprint


def test_skipping_is_remembered_by_the_cache(open_data: Open, write: Write) -> None:
    rows = good_rows()
    rows[1][CIF], rows[2][CIF] = cif(name="Qq"), cif(a=40)
    path = write(rows)
    first, again = open_data(path, on_error="skip"), open_data(path, on_error="skip")
    assert len(first.skipped) == 2
    assert first.skipped == again.skipped


def test_several_problems_are_told_at_once_and_the_rest_counted(
    open_data: Open, write: Write
) -> None:
    rows = good_rows()
    for i in range(5):
        rows[i][TARGET] = "?"
    rows[5][CIF], rows[6][CIF] = cif(name="Qq"), cif(a=40)
    with pytest.raises(DataError) as refused:
        open_data(write(rows))
    lines = str(refused.value).splitlines()
    assert lines[0] == "7 of 20 rows cannot be used:"
    assert sum("own.csv line" in line for line in lines) == 5
    assert "... and 2 more" in str(refused.value)


def test_a_row_with_too_few_fields_is_named(open_data: Open, write: Write) -> None:
    rows = good_rows()
    rows[1] = rows[1][:3]
    with pytest.raises(DataError, match=r"line 20 \(c1\): has 3 fields where the first line has 5"):
        open_data(write(rows))


def test_a_wrong_target_gets_the_nearest_name(open_data: Open, write: Write) -> None:
    with pytest.raises(DataError, match=r"data\.target=gap_ev: .*Did you mean 'gap_eV'\?"):
        open_data(write(good_rows()), target="gap_ev")


def test_several_candidates_for_the_target_are_listed(open_data: Open, write: Write) -> None:
    rows = [[*row, str(i)] for i, row in enumerate(good_rows())]
    with pytest.raises(DataError, match=r"gap_eV, mass\. Choose one: data\.target=gap_eV"):
        open_data(write(rows, [*HEADER, "mass"]))


def test_no_candidate_for_the_target(open_data: Open, write: Write) -> None:
    rows = [row[:4] for row in good_rows()]
    with pytest.raises(DataError, match="no column of numbers"):
        open_data(write(rows, HEADER[:4]))


def test_a_table_without_structures(open_data: Open, write: Write) -> None:
    rows = [[row[ID], row[TARGET]] for row in good_rows()]
    with pytest.raises(DataError, match=r"data\.columns\.structure="):
        open_data(write(rows, ["id", "gap_eV"]))


def test_a_chosen_column_that_does_not_exist(open_data: Open, write: Write) -> None:
    with pytest.raises(DataError, match=r"data\.columns\.text=descripton: .*'description'"):
        open_data(write(good_rows()), columns={"text": "descripton"})


def test_an_unknown_role(open_data: Open, write: Write) -> None:
    with pytest.raises(DataError, match="roles are id, structure, text, split"):
        open_data(write(good_rows()), columns={"name": "id"})


def test_official_splits_are_never_overlooked(open_data: Open, write: Write) -> None:
    header = [*HEADER[:3], "split_gap", "gap_eV"]
    with pytest.raises(DataError, match=r"data\.columns\.split=split_gap"):
        open_data(write(good_rows(), header))
    data = open_data(write(good_rows(), header), columns={"split": "split_gap"})
    assert data.sizes == {"train": 14, "val": 3, "test": 3}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"id,cif,gap_eV\n", "has a header and no rows"),
        (b"id,cif,gap_eV\na,x.cif,1\nb,\xe4.cif,2\n", "line 3: byte 0xe4 is not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is a binary file"),
        (b'id,cif,gap_eV\na,"never closed,1\nb,x,2\n', "line 2: the record that begins here"),
        (b"id,id,gap_eV\na,b,1\n", "'id' occurs twice"),
        (gzip.compress(b"id,cif,gap_eV\na,x.cif,1\n", mtime=0)[:-12], "is a damaged gzip file"),
    ],
)
def test_a_file_that_is_no_table(
    content: bytes, told: str, open_data: Open, tmp_path: Path
) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as refused:
        open_data(path)
    assert told in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_wrong_path_gets_the_nearest_name(open_data: Open, write: Write) -> None:
    path = write(good_rows(), name="crystals.csv")
    with pytest.raises(DataError, match=r"data\.path=.*Did you mean 'crystals.csv'\?"):
        open_data(path.with_name("cristals.csv"))
    with pytest.raises(DataError, match="is a file, not a folder"):
        open_data(path / "cif")


def test_one_structure_is_no_collection(open_data: Open, tmp_path: Path) -> None:
    (tmp_path / "NaCl.cif").write_text(cif())
    with pytest.raises(DataError, match=r"NaCl\.cif is a structure, and a collection"):
        open_data(tmp_path / "NaCl.cif")


def test_a_folder_of_no_known_layout(open_data: Open, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    with pytest.raises(DataError, match="no known layout"):
        open_data(tmp_path / "a")
    (tmp_path / "a" / "b" / "id_prop.csv").touch()
    with pytest.raises(DataError, match=r"Did you mean data\.path=.*a/b\?"):
        open_data(tmp_path / "a")


def test_an_unreadable_file(open_data: Open, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(good_rows())

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataError, match=r"own\.csv cannot be read: Permission denied"):
        open_data(path)


def test_a_database_that_is_none(open_data: Open, tmp_path: Path) -> None:
    path = tmp_path / "own.db"
    path.write_text("not a database")
    with pytest.raises(DataError, match="is not an SQLite database"):
        open_data(path)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"on_error": "ignore"}, "data.on_error=ignore must be one of raise, skip"),
        ({"describe": "sometimes"}, "data.describe=sometimes must be one of missing"),
        ({"batch_size": 0}, "data.batch_size=0 must be a whole number, at least 1"),
        ({"limit": 0}, "data.limit=0 must be a whole number, at least 1, or null"),
        ({"n_train": -1}, "data.n_train=-1 must be a whole number, at least 1"),
        ({"n_test": -1}, "data.n_test=-1 must be a whole number, at least 0"),
        ({"n_val": 4}, "data.n_val=4, and the split of the data has 3 rows of val"),
        ({"fractions": [0.8, 0.1, 0.2]}, "sum to 1.1"),
        ({"fractions": [0.9, 0.1]}, "three numbers"),
        ({"fractions": [1.2, -0.1, -0.1]}, "three numbers from 0 to 1"),
        ({"unit": ["eV", "eV"]}, "2 units for 1 targets"),
        ({"target": ["gap_eV", "gap_eV"]}, "name each target once"),
        ({"limit": 2}, "No row has the split"),
        (
            {"columns": {"split": "none"}, "n_train": 10, "n_val": 10, "n_test": 10},
            "10 train + 10 val + 10 test rows are asked for, 30 in all, and the data have 20",
        ),
        (
            {"columns": {"split": "none"}, "n_val": 10, "n_test": 10},
            "No row is left for train",
        ),
    ],
)
def test_options_that_cannot_be(
    options: dict[str, object], told: str, open_data: Open, write: Write
) -> None:
    with pytest.raises(DataError) as refused:
        open_data(write(good_rows()), **options)
    assert told in str(refused.value)


def test_a_test_part_is_missing_only_when_that_was_said(open_data: Open, write: Write) -> None:
    path = write(good_rows()[:-3])
    with pytest.raises(DataError, match=r"data\.n_test=0"):
        open_data(path)
    data = open_data(path, n_test=0)
    assert data.sizes == {"train": 14, "val": 3, "test": 0}
    assert list(data.test_dataloader()) == []


def test_nothing_is_left(open_data: Open, write: Write) -> None:
    rows = [[*row[:TARGET], "?"] for row in good_rows()]
    with pytest.raises(DataError, match="20 of 20 rows cannot be used"):
        open_data(write(rows), target="gap_eV", on_error="skip")
