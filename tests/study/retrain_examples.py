"""A study whose trials can be trained anew, and a program that pretends to train."""

import json
from pathlib import Path

import optuna
import yaml
from study_examples import begin

PROGRAM = """
import json, os, signal, sys, time
from pathlib import Path

import yaml

words = sys.argv[1:]
config = yaml.safe_load(Path(words[1], words[3] + ".yaml").read_text())
for word in words[4:]:
    key, _, value = word.partition("=")
    config[key.lstrip("+")] = yaml.safe_load(value)
folder = Path(config["hydra.run.dir"])
folder.mkdir(parents=True)
seed, lr = config["seed"], config["optimizer"]["lr"]
(folder / "config.yaml").write_text(yaml.safe_dump(config))
(folder / "provenance.yaml").write_text(f"data_fingerprint: {config['data']['print']}")
(folder / "history.csv").write_text("epoch,val/mae\\n1,0.5\\n2,\\n")
if config.get("fate") == f"die in {seed}":
    sys.exit(3)
if config.get("fate") == f"wait in {seed}" and not Path("go").exists():
    Path("waiting").touch()
    time.sleep(60)
test = {"test": {"gap": {"mae": lr + seed / 10}}} if config.get("score_test", True) else {}
val = {"val": {"gap": {"mae": lr + seed / 100}}}
score = {"monitor": "val/mae", "best": lr + seed / 100, "best_epoch": 1, "units": {"gap": "eV"}}
(folder / "metrics.json").write_text(json.dumps({**score, **val, **test}))
import numpy as np
np.save(folder / "y_true.npy", np.array([[1.0], [2.0], [3.0]], np.float32))
np.save(folder / "y_pred.npy", np.array([[1.0], [2.0], [3.0]], np.float32) + (-1) ** seed * 0.5)
(folder / "checkpoints").mkdir()
(folder / "checkpoints" / "best.ckpt").touch()
"""


def example(place: Path) -> optuna.Study:
    """`multirun/study` with four trials, the third the best, and `train.py` beside it."""
    (place / "train.py").write_text(PROGRAM)
    (place / "conf" / "loss").mkdir(parents=True)
    study = begin(place / "multirun" / "study")
    for k, value in enumerate((0.4, 0.3, 0.1, 0.2)):
        trial = study.ask()
        folder = place / "multirun" / "study" / f"day/time/{k}"
        (folder / ".hydra").mkdir(parents=True)
        config = {
            "seed": 7,
            "direction": "minimize",
            "optimizer": {"lr": value},
            "data": {"print": "abc"},
            "model": {},
            "trainer": {},
        }
        hydra = {"hydra": {"runtime": {"cwd": str(place)}}}
        (folder / ".hydra" / "config.yaml").write_text(yaml.safe_dump(config))
        (folder / ".hydra" / "hydra.yaml").write_text(yaml.safe_dump(hydra))
        (folder / ".hydra" / "overrides.yaml").write_text(json.dumps([f"optimizer.lr={value}"]))
        for key, fact in (
            ("folder", f"day/time/{k}"),
            ("params", {"optimizer.lr": value}),
            ("data_fingerprint", "abc"),
        ):
            trial.set_user_attr(key, fact)
        study.tell(trial, value)
    return study
