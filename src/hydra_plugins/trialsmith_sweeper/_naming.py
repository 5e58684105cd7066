"""What a study is called, and where it lives."""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from omegaconf import DictConfig, OmegaConf, read_write

from hydra_plugins.trialsmith_sweeper._quoting import override

LONGEST = 120  # bytes of a name: file systems take 255, and a study put aside has a longer one
HYDRA_DEFAULT = "multirun/${now:%Y-%m-%d}/${now:%H-%M-%S}"


def study_name(config: DictConfig, fixed: Mapping[str, Any], fingerprint: str) -> str:
    """The study's name: what the user said, else what the command line means.

    One command line is one study: the search file's name, then the data and the target where the
    command line names them. A search without a file is told from others by its space.
    """
    asked = config.hydra.sweeper.study_name
    if asked is not None:
        return sanitised(asked)
    searched = config.hydra.runtime.choices.get("hparams_search")
    begin = str(searched) if searched else f"{config.hydra.job.name}-{fingerprint}"
    return default_name(begin, fixed)


def default_name(begin: str, fixed: Mapping[str, Any]) -> str:
    """`begin`, then the data and the target of the command line's values `fixed`."""
    path = fixed.get("data.path")
    data = PurePath(str(path)).stem if path else fixed.get("data")
    parts = [begin, data, fixed.get("data.target")]
    return sanitised("-".join(str(part) for part in parts if part))


def sanitised(name: str) -> str:
    """`name` as the name of one folder, which neither leads out of its parent nor is an option."""
    safe = re.sub(r"[^\w.=+-]+", "_", str(name)).lstrip("._-").rstrip("._") or "study"
    return safe if len(safe.encode()) <= LONGEST else _shortened(safe)


def _shortened(name: str) -> str:
    """The beginning of `name`, and a digest that tells it from others that begin alike."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name.encode()[: LONGEST - 13].decode(errors='ignore')}-{digest}"


def place(config: DictConfig, name: str) -> Path:
    """Settle the study's and the trials' folders in the sweep's configuration.

    A `hydra.sweep.dir` of the user's own stands, unless it is made from the study's name. All
    trials of one invocation stand under one date and time, whichever process makes their folder.

    Returns: the study's folder.
    """
    written: Any = OmegaConf.to_container(config.hydra.sweep, resolve=False)
    with read_write(config.hydra.sweep):
        config.hydra.sweep.dir = str(study_folder(config, name))
        config.hydra.sweep.subdir = _now(str(written["subdir"]))
    return Path(config.hydra.sweep.dir)


def study_folder(config: DictConfig, name: str) -> Path:
    """The folder of the study `name`, beside the others of this configuration."""
    written: Any = OmegaConf.to_container(config.hydra.sweep, resolve=False)
    folder = str(written["dir"])
    if folder == HYDRA_DEFAULT or "hydra.sweeper.study_name" in folder:
        folder = f"{folder.partition('/${')[0]}/{name}"
    return Path(_now(folder))


def placed(config: DictConfig) -> list[str]:
    """The overrides that put a trial where `place` has settled."""
    written: Any = OmegaConf.to_container(config.hydra.sweep, resolve=False)
    return [override(f"hydra.sweep.{key}", written[key]) for key in ("dir", "subdir")]


def _now(text: str) -> str:
    """`text` with the moment in place of each `${now:FORMAT}`."""
    moment = datetime.now()
    return re.sub(r"\$\{now:([^}]*)\}", lambda found: moment.strftime(found[1]), text)
