"""Graph classifiers as a user runs them."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from trialsmith.buildable import BUILDABLE
from trialsmith.study.retraining.scoring import score_test

ROOT = Path(__file__).resolve().parents[2]


def config(*overrides: str) -> DictConfig:
    with initialize_config_dir(str(ROOT / "conf")):
        return compose("train", ["folder=/nowhere", *overrides])


@pytest.mark.parametrize("data", ["causal_sets", "graphs"])
def test_graphs_choose_their_model_and_loss(data: str) -> None:
    cfg = config(f"data={data}", "data.path=a.h5" if data == "graphs" else "data.n=8")
    OmegaConf.resolve(cfg)
    model = instantiate(cfg.model, _execution_whitelist_=BUILDABLE, outputs=2, node_features=5)
    assert model.description == "GNN of 5 features – sage 64 – sage 64 – mean"
    assert cfg.loss._target_ == "torch.nn.CrossEntropyLoss"
    assert (cfg.monitor, cfg.direction) == ("val/f1", "maximize")


def test_one_layer_can_be_changed_and_the_next_follows() -> None:
    changes = ["model.layers.1.out_dim=7", "model.layers.1.gnn_layer_type=gat", "model.n_layers=3"]
    cfg = config("data=causal_sets", *changes)
    model = instantiate(cfg.model, _execution_whitelist_=BUILDABLE, outputs=2, node_features=5)
    assert model.description == "GNN of 5 features – sage 64 – gat 7 – sage 64 – mean"
    assert model.layers[2].convolution.in_channels == 7


def train(folder: Path, *overrides: str) -> str:
    command = [
        *(sys.executable, "train.py", "data=causal_sets", "data.n=60", "data.elements=[12,20]"),
        *("trainer.max_epochs=2", "threads=1"),
        *(f"data.cache_dir={folder / 'cache'}", *overrides),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_one_run_over_all_folds_is_the_mean_of_its_folds(tmp_path: Path) -> None:
    told = train(tmp_path, "data.fold=all", "data.folds=3", f"hydra.run.dir={tmp_path / 'all'}")
    metrics = json.loads((tmp_path / "all" / "metrics.json").read_text())
    with (tmp_path / "all" / "folds.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    scores = [float(row["best"]) for row in rows]
    assert [row["fold"] for row in rows] == ["0", "1", "2"]
    assert metrics["best"] == pytest.approx(sum(scores) / 3)
    assert "test/accuracy over 3 folds" in told
    assert (tmp_path / "all" / "evaluation_plots" / "confusion.png").exists()
    fold = tmp_path / "all" / "fold_1"
    names = {path.name for path in fold.iterdir()}
    assert names >= {"config.yaml", "checkpoints", "metrics.json", "history.csv", "tensorboard"}
    # `trialsmith retrain --top` scores the test split afterwards, and comes to the same
    table = (tmp_path / "all" / "folds.csv").read_bytes()
    assert score_test(tmp_path / "all") == metrics
    assert (tmp_path / "all" / "folds.csv").read_bytes() == table
    # a single run of that fold is the same, bit for bit
    alone = tmp_path / "alone"
    train(tmp_path, "data.fold=1", "data.folds=3", f"hydra.run.dir={alone}", "plots=false")
    assert (alone / "predictions.csv").read_bytes() == (fold / "predictions.csv").read_bytes()


@pytest.mark.slow
def test_a_search_over_layers_compares_trials_fold_by_fold(tmp_path: Path) -> None:
    train(
        tmp_path,
        *("-m", "hparams_search=causal_sets", "data.fold=all", "data.folds=3", "plots=false"),
        *("hydra/sweeper/pruner=wilcoxon", "hydra.sweeper.n_trials=4"),
        f"hydra.sweep.dir={tmp_path / 'study'}",
    )
    with (tmp_path / "study" / "all_trials.csv").open(newline="") as file:
        trials = list(csv.DictReader(file))
    assert len(trials) == 4
    assert {trial["state"].lower() for trial in trials} <= {"complete", "pruned"}
    for trial in trials:
        layers = int(trial["model.n_layers"])
        for number in range(1, 4):  # nothing is sampled for a layer that the network lacks
            assert bool(trial[f"model.layers.{number}.out_dim"]) == (number < layers)
