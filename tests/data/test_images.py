"""Images in IDX files, and Fashion-MNIST."""

import gzip
import hashlib
import importlib
import shutil
import struct
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest

from trialsmith.data import SignalData
from trialsmith.data import fashion_mnist as build
from trialsmith.data.idx_files import idx_array
from trialsmith.errors import DataError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (30, 28, 28), np.uint8)
LABELS = np.arange(30, dtype=np.uint8) % 10
FILES = {
    "train-images-idx3-ubyte": IMAGES[:20],
    "train-labels-idx1-ubyte": LABELS[:20],
    "t10k-images-idx3-ubyte": IMAGES[20:],
    "t10k-labels-idx1-ubyte": LABELS[20:],
}


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for name, array in FILES.items():
        (raw / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
    return tmp_path


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., SignalData]:
    def opened(**options: object) -> SignalData:
        data = build(**{"cache_dir": tmp_path / "cache", **options})
        data.prepare_data()
        return data

    return opened


def test_images_keep_their_classes_and_the_official_test(
    folder: Path, opened: Callable[..., SignalData]
) -> None:
    data = opened(path=folder, val_fraction=0.25, batch_size=32)
    assert data.sizes == {"train": 15, "val": 5, "test": 10}
    assert data.dimensions == {"outputs": 10, "shape": (1, 28, 28)}
    mean, std = data.input_moments
    for part in ("train", "val", "test"):
        (batch,) = getattr(data, f"{part}_dataloader")()
        rows = [int(name) for name in batch.ids]
        assert all((row >= 20) == (part == "test") for row in rows)
        np.testing.assert_array_equal(batch.target.numpy(), LABELS[rows])
        pixels = batch.signal.numpy()[:, 0] * std + mean
        np.testing.assert_allclose(pixels, IMAGES[rows], atol=1e-3)


def test_the_folder_itself_and_files_that_are_not_zipped(
    folder: Path, opened: Callable[..., SignalData]
) -> None:
    zipped = opened(path=folder / "FashionMNIST" / "raw").fingerprint
    plain = folder / "plain"
    plain.mkdir()
    for name, array in FILES.items():
        (plain / name).write_bytes(idx(array))
    assert opened(path=plain).fingerprint == zipped


def test_the_real_images(shared: Path, opened: Callable[..., SignalData]) -> None:
    data = opened(path=shared / "data" / "fashion_mnist_mini")
    assert data.sizes == {"train": 630, "val": 70, "test": 200}
    assert data.targets[0].classes[9] == "Ankle boot"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not an idx file", "is not an IDX file"),
        (idx(LABELS)[:-3], r"35 bytes, and its header says 38"),
        (b"\0\0\x0d\x01" + bytes(12), "of unsigned bytes"),
    ],
)
def test_a_file_that_is_no_idx_file_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "labels").write_bytes(content)
    with pytest.raises(DataError, match=words):
        idx_array(tmp_path / "labels")
    (tmp_path / "labels.gz").write_bytes(gzip.compress(content)[:-9])
    with pytest.raises(DataError, match="cannot be read"):
        idx_array(tmp_path / "labels.gz")


def test_what_is_missing_is_named(folder: Path, opened: Callable[..., SignalData]) -> None:
    (folder / "FashionMNIST" / "raw" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match="lacks t10k-labels-idx1-ubyte"):
        opened(path=folder)
    with pytest.raises(DataError, match=r"holds no 'FashionMNISt'\. Did you mean 'FashionMNIST'"):
        opened(path=folder / "FashionMNISt")
    (folder / "empty").mkdir()
    with pytest.raises(DataError, match="holds none of train-images"):
        opened(path=folder / "empty")
    file = next((folder / "FashionMNIST" / "raw").iterdir())
    with pytest.raises(DataError, match=f"is a file; the folder .* try data.path={file.parent}"):
        opened(path=file)


def test_one_image_is_too_few(folder: Path, opened: Callable[..., SignalData]) -> None:
    raw = folder / "FashionMNIST" / "raw"
    (raw / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(IMAGES[:1])))
    (raw / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(LABELS[:1])))
    with pytest.raises(DataError, match="holds one image, and it takes one to train and one"):
        opened(path=folder)


def test_images_of_two_sizes_are_refused(folder: Path, opened: Callable[..., SignalData]) -> None:
    images = folder / "FashionMNIST" / "raw" / "t10k-images-idx3-ubyte.gz"
    images.write_bytes(gzip.compress(idx(IMAGES[20:, :14])))
    with pytest.raises(DataError, match=r"28 × 28 pixels and .* of 14 × 28"):
        opened(path=folder)


def test_labels_that_do_not_fit_are_refused(
    folder: Path, opened: Callable[..., SignalData]
) -> None:
    labels = folder / "FashionMNIST" / "raw" / "train-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(idx(LABELS[:19])))
    with pytest.raises(DataError, match="do not go together"):
        opened(path=folder)
    labels.write_bytes(gzip.compress(idx(LABELS[:20] + 5)))
    with pytest.raises(DataError, match="a label is 14"):
        opened(path=folder)


def test_downloads_are_checked_and_kept(
    folder: Path, opened: Callable[..., SignalData], monkeypatch: pytest.MonkeyPatch
) -> None:
    # by its name: in the package the function stands before the module
    module = importlib.import_module("trialsmith.data.fashion_mnist")
    raw = folder / "FashionMNIST" / "raw"
    asked = []

    def answer(address: str, timeout: float) -> BytesIO:
        asked.append(address)
        return BytesIO((raw / address.rpartition("/")[2]).read_bytes())

    monkeypatch.setattr(module.urllib.request, "urlopen", answer)
    with pytest.raises(DataError, match="not what its authors published: MD5"):
        opened(path=None)
    sums = {f.name: hashlib.md5(f.read_bytes()).hexdigest() for f in raw.iterdir()}
    monkeypatch.setattr(module, "_MD5", {name: sums[name] for name in module._MD5})
    assert opened(path=None).fingerprint == opened(path=folder).fingerprint
    assert len(asked) == 5
    opened(path=None)
    assert len(asked) == 5

    def offline(address: str, timeout: float) -> BytesIO:
        raise URLError("no route to host")

    monkeypatch.setattr(module.urllib.request, "urlopen", offline)
    opened(path=None)
    shutil.rmtree(folder / "cache")
    with pytest.raises(DataError, match=r"no route to host.*data\.path=…"):
        opened(path=None)
