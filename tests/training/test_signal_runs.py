"""`python train.py` on signals, as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = (
    "loss.weights={Solid Velocity: 5, Gas Velocity: 1, Liquid Velocity: 2, "
    "Solid Volume Fraction: 5, Gas Volume Fraction: 1, Liquid Volume Fraction: 1}"
)


@pytest.mark.slow
def test_a_weighted_run_on_signals_leaves_all_that_is_promised(tmp_path: Path) -> None:
    command = [
        *(sys.executable, "train.py", "data=flow_synthetic", "loss=weighted_mse", WEIGHTS),
        *("data.dimensions=1", "data.n=40", "data.pulses=32", "data.batch_size=8"),
        *("model.hidden=4", "trainer.max_epochs=2", "threads=1", "monitor=val/mse"),
        *(f"data.cache_dir={tmp_path / 'cache'}", f"hydra.run.dir={tmp_path / 'run'}"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "model: 1D residual CNN for 2 channels of 32" in done.stdout + done.stderr
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert len(metrics["test"]) == 6
    assert len(metrics["history"]["val/loss"]) == 2
    # the score is the mean of squared error / variance, whatever the weights
    assert metrics["best"] < min(metrics["history"]["val/loss"])
    pictures = {path.stem for path in (tmp_path / "run" / "evaluation_plots").iterdir()}
    assert len(pictures) == 6
    assert (tmp_path / "run" / "learning_curves.png").exists()
