"""From records to standardised batches."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from trialsmith.data import SignalData, flow
from trialsmith.data.signal_records import resampled
from trialsmith.errors import DataError

RNG = np.random.default_rng(1)
SCALE = np.array([1.0, 50.0, 0.02])[:, None]
X = (RNG.normal(size=(60, 3, 48)) * SCALE + 3 * SCALE).astype(np.float32)
Y = RNG.normal(size=(60, 2))


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., SignalData]:
    def opened(x: np.ndarray = X, **options: object) -> SignalData:
        path = tmp_path / f"{abs(hash((x.tobytes(), x.shape)))}.npz"
        np.savez(path, x_train=x, t_train=Y)
        data = flow(path, target=["a", "b"], cache_dir=tmp_path / "cache", **options)
        data.prepare_data()
        data.setup("fit")
        return data

    return opened


def together(loader: object) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    batches = list(loader)
    ids = [name for batch in batches for name in batch.ids]
    return *(torch.cat([getattr(b, k) for b in batches]) for k in ("signal", "target")), ids


@pytest.mark.parametrize("factor", [1, 3])
def test_inputs_are_standardised_by_the_training_split_alone(
    opened: Callable[..., SignalData], factor: int
) -> None:
    data = opened(downsample_factor=factor, batch_size=7)
    train, _, _ = together(data.train_dataloader())
    assert train.mean((0, 2)).numpy() == pytest.approx(0, abs=1e-4)
    assert train.std((0, 2), correction=0).numpy() == pytest.approx(1, abs=1e-4)
    changed = X.copy()
    changed[data.survey.samples[data.parts["test"]]] *= 7
    again = opened(changed, downsample_factor=factor)
    np.testing.assert_array_equal(data.input_moments, again.input_moments)
    assert data.fingerprint != again.fingerprint


def test_every_record_keeps_its_own_targets(opened: Callable[..., SignalData]) -> None:
    data = opened(channels=[2, 0])
    signal, target, ids = together(data.val_dataloader())
    rows = [int(name) for name in ids]
    mean, std = (moment[:, None] for moment in data.input_moments)
    np.testing.assert_allclose(signal.numpy() * std + mean, X[rows][:, [2, 0]], rtol=1e-4)
    np.testing.assert_allclose(target.numpy(), Y[rows], rtol=1e-6)


def test_parts_are_disjoint_and_a_limit_is_obeyed(opened: Callable[..., SignalData]) -> None:
    data = opened(limit=40, fractions=(0.5, 0.25, 0.25))
    assert data.sizes == {"train": 20, "val": 10, "test": 10}
    names = [together(getattr(data, f"{part}_dataloader")())[2] for part in data.sizes]
    assert len({name for part in names for name in part}) == 40
    counted = opened(n_train=8, n_val=4, n_test=0)
    assert counted.sizes == {"train": 8, "val": 4, "test": 0}


def spoilt(value: float) -> np.ndarray:
    x = X.copy()
    x[5, 1, 10:20], x[9, 1, 3] = value, -value
    return x


@pytest.mark.parametrize("value", [1e6, np.nan, np.inf])
def test_overflows_are_refused_left_out_or_masked(
    opened: Callable[..., SignalData], value: float
) -> None:
    with pytest.raises(DataError, match=r"record 5 .*: channel 1 has 10 ") as raised:
        opened(spoilt(value), sentinel=1e6)
    assert "2 of 60 rows cannot be used" in str(raised.value)
    assert "data.on_error=mask" in str(raised.value)
    assert "data.channels=[0, 2]" in str(raised.value)

    skipped = opened(spoilt(value), sentinel=1e6, on_error="skip")
    assert sum(skipped.sizes.values()) == 58
    assert [problem.id for problem in skipped.skipped] == ["000005", "000009"]

    masked = opened(spoilt(value), sentinel=1e6, on_error="mask")
    assert sum(masked.sizes.values()) == 60
    record = masked.survey.gather(np.array([5]))[0]
    rest = np.delete(X[5, 1], range(10, 20))
    np.testing.assert_allclose(record[1, 10:20], rest.mean(), rtol=1e-5)
    np.testing.assert_array_equal(record[[0, 2]], X[5, [0, 2]])

    assert sum(opened(spoilt(value), sentinel=1e6, channels=[0, 2]).sizes.values()) == 60


def test_a_target_that_does_not_vary_is_told_and_one_too_small_to_square_refused(
    opened: Callable[..., SignalData],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setitem(globals(), "Y", Y * [1, 0] + [0, 0.25])
    assert opened().scaler.std[1] == 1
    assert "b is 0.25 in all of the training split" in caplog.text
    monkeypatch.setitem(globals(), "Y", Y * [1e-25, 1])
    with pytest.raises(DataError, match=r"a spreads by .*e-2[56], less than 1e-18"):
        opened(X + 0).scaler  # noqa: B018


def test_a_mask_needs_a_rest(opened: Callable[..., SignalData]) -> None:
    x = spoilt(np.nan)
    x[7, 2] = np.inf
    with pytest.raises(DataError, match=r"1 of 60 .*\n.*record 7 .* and nothing else") as raised:
        opened(x, on_error="mask")
    assert "on_error=mask" not in str(raised.value)  # it is no way out
    assert "on_error=skip" in str(raised.value)
    assert sum(opened(x, on_error="mask", channels=[0, 1]).sizes.values()) == 60


def test_a_filter_does_not_smear_an_overflow(opened: Callable[..., SignalData]) -> None:
    data = opened(spoilt(1e6), sentinel=1e6, on_error="mask", downsample_factor=4)
    assert np.abs(data.survey.gather(np.arange(60))).max() < 2 * np.abs(X).max()


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_downsampling_keeps_what_is_slow_and_stops_what_would_fold(factor: int) -> None:
    time = np.arange(1200.0)
    nyquist = 0.5 / factor  # of the points that are left, in cycles a point
    middle = slice(100 // factor, -100 // factor)
    slow = np.sin(2 * np.pi * 0.5 * nyquist * time).astype(np.float32)
    fast = np.sin(2 * np.pi * 1.5 * nyquist * time).astype(np.float32)
    np.testing.assert_allclose(resampled(slow, factor)[middle], slow[::factor][middle], atol=0.01)
    assert np.abs(resampled(fast, factor)[middle]).max() < 0.01 < np.abs(fast[::factor]).max()


def test_downsampling_keeps_an_offset_to_the_ends_and_any_axis() -> None:
    x = np.full((2, 40, 6), 5.0, np.float32)
    np.testing.assert_allclose(resampled(x, 4, axis=-2), np.full((2, 10, 6), 5.0), rtol=1e-5)
