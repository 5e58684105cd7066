"""A search whose trials cost nothing: what a sweep, a storage and a report do at thousands of them.

python benchmarks/analytic_search.py -m hydra.sweeper.n_trials=2000 hydra.sweeper.n_jobs=2
"""

import math
import random
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig

from hydra_plugins.trialsmith_sweeper import current_trial
from trialsmith.errors import InfeasibleConfig

PARAMS: dict[str, Any] = {
    "model.layers": "range(2, 7)",
    "model.hidden": "choice(32, 64, 128, 256)",
    "model.heads": "choice(1, 2, 4, 8)",
    "model.dropout": "interval(0.0, 0.5)",
    "model.norm": {"choices": ["batch", "layer", None]},
    "model.residual": "choice(true, false)",
    "optimizer.lr": "tag(log, interval(1e-5, 1e-1))",
    "optimizer.weight_decay": "tag(log, interval(1e-7, 1e-2))",
    "optimizer.name": "choice(adam, sgd)",
    "optimizer.momentum": {"low": 0.0, "high": 0.99, "when": {"optimizer.name": "sgd"}},
    "data.batch_size": "choice(16, 32, 64, 128)",
    "fusion.use": "choice(true, false)",
    "fusion.width": {"low": 16, "high": 128, "step": 16, "when": {"fusion.use": True}},
    "fusion.layers": [
        {"choices": ["1", "2", "1,2"], "when": {"fusion.use": True, "model.layers": [2, 3]}},
        {"choices": ["2", "1,3", "1,2,3"], "when": {"fusion.use": True}},
    ],
}
START = {
    "model.layers": 4,
    "model.hidden": 64,
    "model.heads": 4,
    "model.dropout": 0.3,
    "model.norm": "batch",
    "model.residual": True,
    "optimizer.lr": 3e-4,
    "optimizer.weight_decay": 1e-5,
    "optimizer.name": "adam",
    "data.batch_size": 64,
    "fusion.use": False,
}
CONFIG = {
    "defaults": [{"override hydra/sweeper": "trialsmith"}, "_self_"],
    "model": {key.partition(".")[2]: START[key] for key in START if key.startswith("model.")},
    "optimizer": {"lr": 3e-4, "weight_decay": 1e-5, "name": "adam", "momentum": 0.0},
    "data": {"batch_size": 64, "path": "analytic"},
    "fusion": {"use": False, "width": 64, "layers": "1"},
    "monitor": "val/mae",
    "direction": "minimize",
    "epochs": 50,
    "hydra": {
        "sweep": {
            "dir": "multirun/${hydra.sweeper.study_name}",
            "subdir": "${now:%Y-%m-%d}/${now:%H-%M-%S}/${hydra.job.num}",
        },
        "sweeper": {
            "study_name": "analytic",
            "sampler": {"seed": 0},
            "enqueue": [START],
            "params": PARAMS,
        },
    },
}
ConfigStore.instance().store("config", CONFIG)


@hydra.main(config_path=None, config_name="config", execution_whitelist=())
def main(cfg: DictConfig) -> float:
    """A curve that falls to the score of the point; some points fail, as they do in life."""
    trial = current_trial()
    if cfg.model.heads * cfg.model.layers > 40:
        raise InfeasibleConfig(
            f"model.heads={cfg.model.heads} with model.layers={cfg.model.layers}: at most 40 in all"
        )
    if cfg.model.hidden * cfg.model.layers * cfg.data.batch_size > 190_000:
        raise MemoryError("CUDA out of memory: tried to allocate 2.50 GiB")
    score, noise = _score(cfg), random.Random(repr(cfg))
    best = math.inf
    for epoch in range(cfg.epochs):
        if cfg.optimizer.lr > 0.05 and epoch > 5:
            return math.nan
        value = score * (1 + 4 * math.exp(-epoch / 6)) + abs(noise.gauss(0, 0.004))
        best = min(best, value)
        if trial is not None:
            trial.report(value, epoch)
    if trial is not None:
        trial.annotate(unit="eV/atom")
    return best


def _score(cfg: DictConfig) -> float:
    lr = math.log10(cfg.optimizer.lr) + (2.7 if cfg.optimizer.name == "adam" else 1.6)
    return (
        0.04
        + 0.05 * lr**2
        + 0.02 * abs(cfg.model.layers - 4)
        + 1.2 / cfg.model.hidden
        + 0.3 * (cfg.model.dropout - 0.12) ** 2
        + 0.03 * (cfg.model.norm is None)
        + 0.02 * (not cfg.model.residual)
        - 0.012 * (cfg.fusion.use and cfg.fusion.width / 128)
        + 0.0004 * abs(math.log2(cfg.data.batch_size) - 5)
    )


if __name__ == "__main__":
    main()
