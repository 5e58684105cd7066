"""A cache record is whole or not there, and is built once."""

import errno
import json
import logging
import multiprocessing
import os
import pickle
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trialsmith.errors import DataError
from trialsmith.graph.cache import cached_arrays, digest

ARRAYS = {
    "lengths": np.linspace(0, 1, 100, dtype=np.float32),
    "table": np.arange(12).reshape(3, 4),
    "empty": np.zeros((0, 5)),
}


class Counted:
    """A build that leaves a line in a file, so that builds in other processes count too."""

    def __init__(self, note: Path, seconds: float = 0.0) -> None:
        self.note, self.seconds = note, seconds

    def __call__(self) -> dict[str, np.ndarray]:
        with self.note.open("a") as file:
            file.write("built\n")
        time.sleep(self.seconds)
        return ARRAYS

    @property
    def times(self) -> int:
        return len(self.note.read_text().splitlines())


@pytest.fixture
def build(tmp_path: Path) -> Counted:
    return Counted(tmp_path / "note")


def check(arrays) -> None:
    assert set(arrays) == set(ARRAYS)
    for name, expected in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], expected)
        assert arrays[name].dtype == expected.dtype


def test_built_once_and_mapped(tmp_path, build):
    for _ in range(3):
        arrays = cached_arrays(tmp_path / "cache", "key", build)
        check(arrays)
    assert build.times == 1
    assert isinstance(arrays["table"].base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        arrays["table"][0] = 1


def cut_short(record: Path) -> None:
    file = record / "lengths.npy"
    os.truncate(file, file.stat().st_size - 8)


def emptied(record: Path) -> None:
    os.truncate(record / "lengths.npy", 0)


def altered(record: Path) -> None:
    with (record / "table.npy").open("r+b") as file:
        file.seek(-3, os.SEEK_END)
        file.write(b"\x55")


def without_a_file(record: Path) -> None:
    (record / "empty.npy").unlink()


def without_manifest(record: Path) -> None:
    (record / "manifest.json").unlink()


def foreign(record: Path) -> None:
    (record / "manifest.json").write_text("[1, 2]")


def another_key(record: Path) -> None:
    manifest = record / "manifest.json"
    manifest.write_text(manifest.read_text().replace("key", "kex"))


def of_another_type(record: Path) -> None:
    file = record / "lengths.npy"
    header = file.read_bytes()
    assert b"<f4" in header
    file.write_bytes(header.replace(b"<f4", b"<i4"))


def without_a_name(record: Path) -> None:
    manifest = json.loads((record / "manifest.json").read_text())
    del manifest["checksums"]["lengths"]
    (record / "manifest.json").write_text(json.dumps(manifest))


def a_file_in_its_place(record: Path) -> None:
    shutil.rmtree(record)
    record.write_text("not a folder")


def array_of(content: bytes):
    """Other bytes where an array stands."""
    return lambda record: (record / "lengths.npy").write_bytes(content)


def with_header(header: str):
    """A file of numpy's own format, with this header."""
    return array_of(b"\x93NUMPY\x01\x00v\x00" + header.ljust(117).encode() + b"\n")


PLAIN = "{'descr': '<f4', 'fortran_order': False"


def in_columns(record: Path) -> None:
    np.save(record / "lengths.npy", np.asfortranarray(np.ones((3, 4))))


def nested(record: Path) -> None:
    (record / "manifest.json").write_text("[" * 100_000)


DAMAGES = [
    *(cut_short, emptied, altered, without_a_file, without_manifest, foreign, another_key),
    *(of_another_type, without_a_name, a_file_in_its_place, in_columns, nested),
    pytest.param(array_of(b"PK\x03\x04garbage"), id="zip"),
    pytest.param(with_header("{'descr': '<f4', 'shape': (3,) 'x \"\"\""), id="header"),
    pytest.param(with_header(f"{PLAIN}, 'shape': ({10**23},)}}"), id="shape"),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_records_are_built_anew_with_a_notice(tmp_path, build, caplog, damage):
    cached_arrays(tmp_path / "cache", "key", build)
    damage(tmp_path / "cache" / "key")
    with caplog.at_level(logging.WARNING):
        check(cached_arrays(tmp_path / "cache", "key", build))
    assert "is damaged" in caplog.text
    check(cached_arrays(tmp_path / "cache", "key", build))
    assert build.times == 2


def test_a_build_that_fails_leaves_nothing(tmp_path, build):
    def fail() -> dict[str, np.ndarray]:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        cached_arrays(tmp_path / "cache", "key", fail)
    check(cached_arrays(tmp_path / "cache", "key", build))


def test_what_a_killed_process_left_is_no_hindrance(tmp_path, build):
    left = tmp_path / "cache" / "key.unfinished"
    left.mkdir(parents=True)
    (left / "lengths.npy").write_bytes(b"half")
    check(cached_arrays(tmp_path / "cache", "key", build))
    assert not left.exists()


def test_a_reader_keeps_what_it_has_mapped(tmp_path, build):
    arrays = cached_arrays(tmp_path / "cache", "key", build)
    without_manifest(tmp_path / "cache" / "key")
    cached_arrays(tmp_path / "cache", "key", build)
    check(arrays)


def test_pickled_by_path(tmp_path, build):
    arrays = cached_arrays(tmp_path / "cache", "key", lambda: {"big": np.zeros(10**6)})
    assert len(pickle.dumps(arrays)) < 1000
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(arrays))["big"], arrays["big"])


def test_two_processes_at_once_build_once(tmp_path):
    build = Counted(tmp_path / "note", seconds=1.0)
    context = multiprocessing.get_context("fork")
    racers = [
        context.Process(target=cached_arrays, args=(tmp_path / "cache", "key", build))
        for _ in range(4)
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(30)
    assert [racer.exitcode for racer in racers] == [0] * 4
    assert build.times == 1
    check(cached_arrays(tmp_path / "cache", "key", build))


parts = st.lists(st.text(max_size=4) | st.binary(max_size=4), max_size=4)


@given(parts, parts)
def test_digests_differ_when_parts_do(one, other):
    assert (digest(*one) == digest(*other)) == (one == other)


def test_digest_of_arrays_minds_type_and_shape():
    zeros = [np.zeros(4), np.zeros((2, 2)), np.zeros(4, np.int64), np.zeros(8, np.float32)]
    assert len({digest(array) for array in zeros}) == 4
    table = np.arange(6).reshape(2, 3)
    assert digest(table.T) == digest(np.ascontiguousarray(table.T))


def test_a_cache_that_cannot_be_written_is_told(tmp_path, build, monkeypatch):
    (tmp_path / "a_file").write_text("")
    with pytest.raises(DataError, match=r"data\.cache_dir"):
        cached_arrays(tmp_path / "a_file" / "cache", digest("k"), build)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(DataError, match="No space left"):
        cached_arrays(tmp_path / "cache", digest("k"), build)
    monkeypatch.undo()
    check(cached_arrays(tmp_path / "cache", digest("k"), build))
