"""A task that only sleeps, for any sweeper; it writes down when it began and ended.

python benchmarks/scale/task.py -m hydra/sweeper=trialsmith seconds=null hydra.sweeper.n_jobs=4
"""

import json
import os
import random
import time
from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

LEAST, MOST = 0.5, 8.0  # seconds, where none are given: log-uniform, by the trial's number

_STORE = ConfigStore.instance()
_STORE.store(
    name="task",
    node={
        "defaults": [{"override hydra/sweeper": "trialsmith"}, "_self_"],
        "x": 0.5,
        "seconds": 0.0,
        "times": "times.jsonl",
        "hydra": {
            "output_subdir": None,
            "sweep": {"dir": "multirun/scale", "subdir": "${hydra.job.num}"},
            "sweeper": {"study_name": "scale", "params": {"x": "interval(0, 1)"}},
        },
    },
)


@hydra.main(config_path=None, config_name="task", execution_whitelist=())
def main(cfg: DictConfig) -> float:
    """One trial."""
    begun = time.time()
    number = HydraConfig.get().job.num
    draw = random.Random(number)
    seconds = LEAST * (MOST / LEAST) ** draw.random() if cfg.seconds is None else cfg.seconds
    time.sleep(seconds)
    line = json.dumps({"number": number, "begun": begun, "ended": time.time(), "pid": os.getpid()})
    times = Path(HydraConfig.get().runtime.cwd, cfg.times)
    with times.open("a") as file:
        file.write(f"{line}\n")
    return float(cfg.x)


if __name__ == "__main__":
    main()
