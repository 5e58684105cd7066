"""A table read record by record is the table read as a whole."""

import gzip
from pathlib import Path

import pytest

from trialsmith.data.table import read_table
from trialsmith.data.table_stream import stream_table
from trialsmith.errors import DataError

TEXTS = {
    "plain": 'id,cif\na,"x\ny"\nb,z\n',
    "semicolons": 'id;cif\na;"x;\n""y"""\n\n\nb;z',
    "windows": 'id\tcif\r\na\t"x\r\ny"\r\nb\tz\r\n',
    "marked": "\ufeffid,cif\na,b\n",
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("zipped", [False, True])
def test_the_same_records(tmp_path: Path, name: str, zipped: bool) -> None:
    path = tmp_path / "table.csv"
    content = TEXTS[name].encode()
    path.write_bytes(gzip.compress(content, mtime=0) if zipped else content)
    whole, stream = read_table(path), stream_table(path)
    assert stream.header == whole.header
    assert list(stream.records) == whole.records


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b'id,cif\na,b\nc,"never ends\n', "line 3"),
        (b"id,cif\na,b\n\xe9,b\n", "UTF-8"),
        (b"id,cif\na,\0\n", "binary"),
        (gzip.compress(b"id,cif\na,b\n" * 99, mtime=0)[:-20], "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        list(stream_table(path).records)


@pytest.mark.parametrize(
    "header",
    [
        '"cif","energy (eV; per atom; PBE)"',
        'cif;"energy, eV, of ""PBE"", per atom"',
        'cif;"a,b,\nc"',
    ],
)
def test_only_what_stands_outside_quotes_delimits(tmp_path: Path, header: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(f"{header}\n" + ("x;1\n" if header.startswith("cif;") else "x,1\n"))
    assert [record.fields for record in read_table(path).records] == [["x", "1"]]
