"""New signals and images: the numbers of the run itself, standardised as in its training."""

import gzip
import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import trialsmith
from trialsmith.errors import DataError

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("signals")]
SAME = {"rtol": 1e-4, "atol": 2e-5}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 records of 3 channels that differ in scale; the second has an overflow here and there."""
    random = np.random.default_rng(0)
    x = random.normal(size=(40, 3, 32)) * [[[1], [1], [100]]] + [[[0], [0], [50]]]
    x[::7, 1, 3] = 1e6
    path = tmp_path_factory.mktemp("records") / "signals.npz"
    np.savez(path, x_train=x.astype(np.float32), t_train=x[:, [0, 2]].mean(-1))
    return path


@pytest.fixture(scope="module")
def signal_run(trained: Callable[..., Path], records: Path) -> Path:
    names = ["data.target=[a,b]", "data.unit=[m/s,'']", "data.downsample_factor=2"]
    names += ["matmul_precision=high"]
    return trained("data=flow", f"data.path={records}", *names, "model.hidden=16")


def test_predictions_are_as_exact_as_their_training(signal_run: Path, records: Path) -> None:
    model = trialsmith.load(signal_run, device="cpu")
    seen: set[str] = set()
    for member in model.members:
        member.model.register_forward_hook(
            lambda *_: seen.add(torch.get_float32_matmul_precision())
        )
    model.predict(records)
    assert seen == {"high"}
    assert torch.get_float32_matmul_precision() == "highest"


def test_signals_give_the_numbers_of_the_run(signal_run: Path, records: Path) -> None:
    own = pd.read_csv(signal_run / "predictions.csv", dtype={"id": str}).set_index("id")
    model = trialsmith.load(signal_run, device="cpu")
    found = model.predict(records, batch_size=7)
    table = found.frame().set_index("id").loc[own.index]
    for name in ("a_predicted", "b_predicted"):
        np.testing.assert_allclose(table[name], own[name], **SAME)
    assert found.units == {"a": "m/s", "b": ""}
    single = model.predict(np.load(records)["x_train"][5])  # a record alone, as an array
    np.testing.assert_allclose(single.values[0], found.values[5], **SAME)


def test_records_that_do_not_fit_are_told(signal_run: Path, records: Path, tmp_path: Path) -> None:
    model = trialsmith.load(signal_run, device="cpu")
    with pytest.raises(DataError, match=r"trained on records of the shape \(3, 32\)"):
        model.predict(np.zeros((5, 3, 30), np.float32))
    x = np.load(records)["x_train"][:3].copy()
    x[1, 2, 0] = np.nan
    np.save(tmp_path / "new.npy", x)
    found = model.predict(tmp_path / "new.npy", on_error="skip")
    assert found.ids == ["000000", "000002"]
    assert "overflows, NaNs" in found.skipped[0].message


def idx(path: Path, array: np.ndarray) -> None:
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(
        f">{array.ndim}I", *array.shape
    )
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    random = np.random.default_rng(0)
    for part, count in (("train", 60), ("t10k", 20)):
        idx(folder / f"{part}-images-idx3-ubyte.gz", random.integers(0, 256, (count, 28, 28)))
        idx(folder / f"{part}-labels-idx1-ubyte.gz", np.arange(count) % 10)
    return folder


def test_classes_have_labels_and_probabilities(
    trained: Callable[..., Path], images: Path, tmp_path: Path
) -> None:
    run = trained(
        *("data=fashion_mnist", f"data.path={images}", "model.hidden=16"),
        *("monitor=val/accuracy", "direction=maximize"),
    )
    own = pd.read_csv(run / "predictions.csv", dtype={"id": str}).query("split == 'test'")
    found = trialsmith.load(run, device="cpu").predict(images / "t10k-images-idx3-ubyte.gz")
    np.testing.assert_allclose(found.values.sum(1), 1, rtol=1e-5)
    assert found.labels == own["class_predicted"].tolist()
    np.testing.assert_allclose(found.values.max(1), own["probability"], **SAME)
    assert found.names[0] == "T-shirt/top"
    assert json.loads(json.dumps(found[0]))["class"] == found.labels[0]
