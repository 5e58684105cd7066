"""The best CNN of a search beside a random forest on simple features and the mean: the same rows.

    python train.py -m hparams_search=cnn_flow hydra.sweeper.n_trials=20
    python benchmarks/flow_accuracy.py multirun/cnn_flow-flow_synthetic

The best configuration is trained once more through `python train.py`, which scores the test split
once, at the best validation epoch. The forest sees each channel's moments, quantiles, power in
frequency bands and autocorrelation, unscaled.
"""

import argparse
from pathlib import Path

import numpy as np
from hydra.utils import instantiate
from omegaconf import OmegaConf
from sklearn.ensemble import RandomForestRegressor
from training import ROOT, trained

from trialsmith.buildable import BUILDABLE

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
BANDS = 12  # of the spectrum
LAGS = (1, 2, 4, 8, 16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("overrides", nargs="*", help="passed on to train.py")
    arguments = parser.parse_args()
    study = arguments.study.resolve()
    config = ["--config-path", str(study), "--config-name", "best_config", *arguments.overrides]
    folder = ROOT / "outputs" / "flow_accuracy" / study.name
    metrics = trained(folder, config)["test"]
    part = OmegaConf.load(folder / "config.yaml").data
    data = instantiate(part, _execution_whitelist_=BUILDABLE)
    data.prepare_data()
    data.setup("fit")
    forest = forest_r2(data)
    print(f"{data.sizes} records; R² on the test split\n")
    print("| target | best CNN | random forest | mean |\n| --- | --- | --- | --- |")
    for target, of_forest, of_mean in zip(data.targets, *forest, strict=True):
        cnn = metrics[target.name]["r2"]
        print(f"| {target.name} | {cnn:.3f} | {of_forest:.3f} | {of_mean:.3f} |")


def forest_r2(data) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[no-untyped-def]
    """Test R² of each target: of a forest of 300 trees, and of the training split's mean."""
    x, y = rows(data.train_dataloader())
    x_test, y_test = rows(data.test_dataloader())
    forest = RandomForestRegressor(300, n_jobs=-1, random_state=0).fit(x, y)
    spread = ((y_test - y_test.mean(0)) ** 2).sum(0)
    errors = (((p - y_test) ** 2).sum(0) for p in (forest.predict(x_test), y.mean(0)))
    of_forest, of_mean = (1 - error / spread for error in errors)
    return of_forest, of_mean


def rows(batches) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[no-untyped-def]
    """Features and targets of all records of a loader."""
    pairs = [(features(batch.signal.numpy()), batch.target.numpy()) for batch in batches]
    x, y = zip(*pairs, strict=True)
    return np.concatenate(x), np.concatenate(y)


def features(signal: np.ndarray) -> np.ndarray:
    """(records, channels, …) → (records, features); in 2D also the mean profile in depth."""
    records, channels = signal.shape[:2]
    values = signal.reshape(records, channels, -1)
    series = signal if signal.ndim == 3 else signal.mean(-1)
    profile = signal[..., :0] if signal.ndim == 3 else signal.mean(-2)
    deviation = series - series.mean(-1, keepdims=True)
    power = np.abs(np.fft.rfft(deviation)) ** 2
    bands = [np.log1p(band.mean(-1)) for band in np.array_split(power, BANDS, axis=-1)]
    lags = [
        (deviation[..., lag:] * deviation[..., :-lag]).mean(-1)
        for lag in LAGS
        if lag < series.shape[-1]
    ]
    moments = [values.mean(-1), values.std(-1), (values**3).mean(-1), values.max(-1)]
    quantiles = list(np.quantile(values, QUANTILES, axis=-1))
    columns = np.stack([*moments, *quantiles, *bands, *lags], -1).reshape(records, -1)
    return np.concatenate([columns, profile.reshape(records, -1)], 1)


if __name__ == "__main__":
    main()
