"""Fashion-MNIST: H. Xiao, K. Rasul, R. Vollgraf, arXiv 1708.07747."""

import hashlib
import logging
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from trialsmith.data.idx_files import idx_array
from trialsmith.data.paths import missing
from trialsmith.data.signal_data import SignalData
from trialsmith.data.signals import Signals, SignalSource
from trialsmith.data.split import drawing_order
from trialsmith.data.target import Target
from trialsmith.errors import DataError
from trialsmith.graph import cached_arrays, digest

log = logging.getLogger(__name__)

CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_ADDRESS = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
_MD5 = {  # as its authors give them
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
_TIMEOUT = 30  # seconds without an answer


class FashionMNIST(SignalSource):
    """Grey images of clothes, 28 by 28, in ten classes; the training files validate, too.

    Args:
        path: a folder with the four IDX files, gzipped or not, or one in which they stand as
            torchvision leaves them, in `FashionMNIST/raw`; None: downloaded into the cache.
        val_fraction: share of the training files' images that validate.
        seed: of the draw of these.
    """

    def __init__(self, path: Path | None, val_fraction: float, seed: int) -> None:
        if not 0 < val_fraction < 1:
            raise DataError(f"data.val_fraction={val_fraction:g} must be between 0 and 1.")
        self.path, self.val_fraction, self.seed = path, val_fraction, seed

    def read(self, cache_dir: Path) -> Signals:
        """The images; see `SignalSource.read`."""
        files = _downloaded(cache_dir) if self.path is None else _found(self.path)
        key = digest(*(file.read_bytes() for file in files))
        arrays = cached_arrays(cache_dir / "fashion_mnist", key, lambda: _together(files))
        official = arrays["test"]
        names = np.where(official, "test", "train").astype(object)
        order = drawing_order([f"{i:06d}" for i in range(len(names))], self.seed)
        train = order[~official[order]]
        names[train[: max(1, round(self.val_fraction * len(train)))]] = "val"
        return Signals(
            x=arrays["images"],
            y=arrays["labels"].astype(np.int64),
            targets=(Target("class", classes=CLASSES),),
            where=str(files[0].parent),
            key=key,
            split=names.tolist(),
        )


def _together(files: list[Path]) -> dict[str, np.ndarray]:
    train, train_labels, test, test_labels = (idx_array(file) for file in files)
    for images, labels, file in (
        (train, train_labels, files[0]),
        (test, test_labels, files[2]),
    ):
        if images.ndim != 3 or labels.shape != images.shape[:1] or not len(labels):
            raise DataError(
                f"{file}: images of the shape {images.shape} and labels of {labels.shape} do not "
                "go together; (n, rows, columns) and (n,) are needed."
            )
        if labels.max() >= len(CLASSES):
            raise DataError(f"{file}: a label is {labels.max()}; there are {len(CLASSES)} classes.")
    if len(train) < 2:
        raise DataError(
            f"{files[0]} holds one image, and it takes one to train and one to validate at least: "
            "give more."
        )
    if train.shape[1:] != test.shape[1:]:
        raise DataError(
            f"{files[0]} holds images of {_size(train)} pixels and {files[2]} of {_size(test)}: a "
            "network reads one size; give files of one."
        )
    return {
        "images": np.concatenate([train, test])[:, None],
        "labels": np.concatenate([train_labels, test_labels]),
        "test": np.arange(len(train) + len(test)) >= len(train),
    }


def _size(images: np.ndarray) -> str:
    return " × ".join(map(str, images.shape[1:]))


def _found(path: Path) -> list[Path]:
    """The four files, gzipped or not."""
    if not path.exists():
        raise DataError(f"data.path={path}: {missing(path)}")
    if not path.is_dir():
        raise DataError(
            f"data.path={path} is a file; the folder with {', '.join(_MD5)} is needed: try "
            f"data.path={path.parent}"
        )
    for folder in (path, path / "raw", path / "FashionMNIST" / "raw"):
        candidates = [[folder / name, folder / name.removesuffix(".gz")] for name in _MD5]
        files = [next((f for f in pair if f.is_file()), None) for pair in candidates]
        found = [file for file in files if file is not None]
        if len(found) == len(_MD5):
            return found
        if found:
            lacking = [pair[0].name for pair, f in zip(candidates, files, strict=True) if not f]
            raise DataError(f"{folder} lacks {', '.join(lacking)}.")
    raise DataError(
        f"data.path={path} holds none of {', '.join(_MD5)}, nor does FashionMNIST/raw in it. "
        "Give the folder that does, or none to download them: data.path=null."
    )


def _downloaded(cache_dir: Path) -> list[Path]:
    folder = cache_dir / "fashion_mnist" / "raw"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "download.lock"):
        for name, md5 in _MD5.items():
            if not (folder / name).exists():
                _download(name, md5, folder)
    return [folder / name for name in _MD5]


def _download(name: str, md5: str, folder: Path) -> None:
    log.info("downloading %s", _ADDRESS + name)
    try:
        with urllib.request.urlopen(_ADDRESS + name, timeout=_TIMEOUT) as answer:
            content = answer.read()
    except OSError as error:
        raise DataError(
            f"{_ADDRESS}{name} cannot be downloaded: {error}. Put {', '.join(_MD5)} into a folder "
            "and name it: data.path=…"
        ) from error
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise DataError(
            f"{_ADDRESS}{name} is not what its authors published: MD5 {found} instead of {md5}. "
            "Try again, or get the files elsewhere and name their folder: data.path=…"
        )
    unfinished = folder / f"{name}.unfinished"
    unfinished.write_bytes(content)
    unfinished.replace(folder / name)


def fashion_mnist(
    path: str | Path | None = None, val_fraction: float = 0.1, seed: int = 0, **options: Any
) -> SignalData:
    """Fashion-MNIST: see `FashionMNIST`, and `SignalData` for the options."""
    folder = None if path is None else Path(path).expanduser()
    return SignalData(FashionMNIST(folder, val_fraction, seed), seed=seed, **options)
