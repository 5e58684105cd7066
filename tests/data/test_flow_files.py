"""The user's arrays: mapped, checked, and told what is wrong with them."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from trialsmith.data import flow, flow_files
from trialsmith.errors import DataError, InfeasibleConfig

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 3, 32)).astype(np.float32), RNG.normal(size=(40, 2))
NAMES = {"target": ["a", "b"], "unit": ["m/s", ""]}


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., object]:
    def opened(**options: object) -> object:
        data = flow(**{"cache_dir": tmp_path / "cache", **NAMES, **options})
        data.prepare_data()
        return data

    return opened


def saved(tmp_path: Path, save=np.savez, **arrays: np.ndarray) -> Path:
    save(tmp_path / "own.npz", **{"x_train": X, "t_train": Y, **arrays})
    return tmp_path / "own.npz"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("x", [X, np.asfortranarray(X), X.astype(np.float16)])
def test_a_member_of_an_npz_is_mapped(tmp_path: Path, save: Callable, x: np.ndarray) -> None:
    path = saved(tmp_path, save, x_train=x)
    array = flow_files.mapped(path, "x_train", "data.path", tmp_path)
    np.testing.assert_array_equal(array, x)
    assert isinstance(array, np.memmap)
    assert not array.flags.writeable


def test_a_compressed_array_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow_files, "EXTRACTED", 1000)
    with pytest.raises(DataError, match=r"compressed .* np\.savez or np\.save"):
        flow_files.mapped(saved(tmp_path, np.savez_compressed), "x_train", "data.path", tmp_path)


def test_only_what_a_batch_needs_is_read(tmp_path: Path, opened: Callable) -> None:
    """An array far larger than memory and than the disk: a file with holes."""
    shape = (20_000, 4, 400_000)  # 128 GB
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, shape)
    del x  # nothing was written: the file is one hole
    np.save(tmp_path / "y.npy", np.zeros((shape[0], 2), np.float32))
    data = opened(x=tmp_path / "x.npy", y=tmp_path / "y.npy", limit=12, channels=[1], batch_size=4)
    (batch, *_) = data.train_dataloader()
    assert batch.signal.shape == (4, 1, 400_000)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what is mapped")
def test_what_was_read_of_a_large_file_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resident() -> int:
        return psutil.Process().memory_info().shared

    monkeypatch.setattr(flow_files, "KEPT", 2**20)
    size = 2**25
    np.save(tmp_path / "x.npy", np.ones(size // 4, np.float32))
    x = flow_files.mapped(tmp_path / "x.npy", None, "data.x", tmp_path)
    before = resident()
    assert x.sum() == len(x)
    assert resident() - before > 0.9 * size
    flow_files.forget(x[7:9])
    assert resident() - before < 0.1 * size
    assert x.sum() == len(x)
    flow_files.forget(np.ones(3))  # of an array in memory nothing


def test_two_npy_files_are_the_same_as_one_npz(tmp_path: Path, opened: Callable) -> None:
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    one = opened(path=saved(tmp_path))
    two = opened(x=tmp_path / "x.npy", y=tmp_path / "y.npy")
    assert one.fingerprint == two.fingerprint


def test_the_real_signals_open(shared: Path, opened: Callable) -> None:
    path = shared / "data" / "flow_6target_synthetic" / "signals_1d.npz"
    data = opened(path=path, arrays={"x": "X", "y": "y"}, target=None, unit=None)
    assert data.sizes == {"train": 420, "val": 90, "test": 90}
    assert data.dimensions == {"outputs": 6, "shape": (8, 256)}
    assert str(data.targets[0]) == "Solid Velocity (m/s)"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": None}, r"data\.path=….npz .* data\.x=….npy"),
        ({"path": "nowhere.npz"}, "data.path=nowhere.npz: there is no such file"),
        ({"arrays": {"x": "x_trian"}}, "Did you mean 'x_train'"),
        ({"arrays": {"z": "x_train"}}, "arrays are x"),
        ({"target": None, "unit": None}, r"has 2 targets: name each"),
        ({"target": ["a"]}, r"names 1 targets; .* has 2"),
        ({"channels": [0, 3]}, r"data.channels=\[0, 3\]: .* 0 to 2"),
        ({"channels": []}, "name some of them"),
        ({"channels": 2}, r"data.channels=2 must be a list, such as data.channels=\[0,2\]"),
        ({"channels": [0.5]}, r"data.channels=\[0.5\]: channels are whole numbers"),
        ({"downsample_factor": 0}, "downsample_factor=0"),
        ({"downsample_factor": 1.5}, "downsample_factor=1.5 must be a whole number"),
        ({"batch_size": 0.5}, "batch_size=0.5 must be a whole number"),
        ({"n_train": 2.5}, "n_train=2.5 must be a whole number"),
        ({"limit": True}, "limit=True must be a whole number"),
        ({"time_axis": -2}, "time_axis=-2"),
        ({"time_axis": -1.0}, "time_axis=-1.0"),
        ({"sentinel": "high"}, "sentinel=high must be a positive number"),
        ({"fractions": 0.7}, "fractions=0.7 must be a list of three"),
        ({"limit": 1}, "have 1 rows that can be used; train, val and test need one"),
        ({"on_error": "ignore"}, "raise, skip, mask"),
    ],
)
@pytest.mark.usefixtures("as_a_user")
def test_a_mistake_is_answered(
    tmp_path: Path, opened: Callable, options: dict[str, object], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        opened(**{"path": saved(tmp_path), **options})


@pytest.mark.parametrize("factor", [32, 1000])
def test_a_record_keeps_two_points_in_time(tmp_path: Path, opened: Callable, factor: int) -> None:
    path = saved(tmp_path)
    with pytest.raises(InfeasibleConfig, match=f"downsample_factor={factor} must be below 32"):
        opened(path=path, downsample_factor=factor)
    assert opened(path=path, downsample_factor=31).dimensions["shape"] == (3, 2)


def test_what_stands_at_the_path_instead_is_told(tmp_path: Path, opened: Callable) -> None:
    table = tmp_path / "table.csv"
    table.write_text("id,y\na,1\n")
    np.save(tmp_path / "x.npy", X)
    saved(tmp_path).rename(tmp_path / "arrays.dat")
    for options, words in (
        ({"path": tmp_path}, "is a folder; an .npz or .npy file is needed"),
        ({"path": table}, r"neither an \.npz nor an \.npy file: it begins b'id,y"),
        ({"path": tmp_path / "x.npy"}, "holds one array"),
        ({"x": tmp_path / "x.npy", "y": table}, "table.csv is neither"),
        ({"x": tmp_path / "z.npy", "y": table}, "data.x=.*holds no 'z.npy'. Did you mean 'x.npy'"),
        ({"path": tmp_path / "x.npy" / "y"}, "x.npy is a file, not a folder"),
    ):
        with pytest.raises(DataError, match=words):
            opened(**options)
    assert opened(path=tmp_path / "arrays.dat").dimensions["outputs"] == 2  # content, not the name


def test_channels_that_come_last_are_told(
    tmp_path: Path, opened: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    assert opened(path=saved(tmp_path)).sizes["train"] == 28
    assert "np.moveaxis" not in caplog.text
    opened(path=saved(tmp_path, x_train=np.moveaxis(X, 1, -1)))
    assert "32 channels of 3" in caplog.text
    assert "np.moveaxis(x, -1, 1)" in caplog.text


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x_train": X[:, 0]}, "signals have the shape"),
        ({"t_train": Y[:5]}, r"\(40, targets\) is needed"),
        (
            {"t_train": np.where(np.equal(Y, Y[3, 1]), np.nan, Y)},
            "record 3 .b.: nan is no finite number",
        ),
        ({"t_train": np.where(np.equal(Y, Y[3, 1]), -1e300, Y)}, "record 3 .*: -1e.300 is beyond"),
        (
            {"t_train": np.full_like(Y, np.nan)},
            r"(?s)40 of 40 rows.* and 35 more\nMend these records, or take them out",
        ),
        ({"x_train": X.astype(str)}, "real numbers are needed"),
        ({"x_train": X + 1j}, "real numbers are needed"),
        ({"x_train": X.astype(object)}, "cannot be read as a file of numbers"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    tmp_path: Path, opened: Callable, arrays: dict[str, np.ndarray], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        opened(path=saved(tmp_path, **arrays))
