"""The best trial's configuration as a config that runs by itself."""

from pathlib import Path
from typing import Any

import yaml

from trialsmith.study.formats import to_yaml

HEADER = """\
# The configuration of trial {number}, the best of study {study}. To train it again:
#   python train.py --config-path "{folder}" --config-name best_config
"""


def best_config(study: str, number: int, trial_folder: Path, study_folder: Path) -> str | None:
    """Text of a primary config that equals the trial's; None where the trial left no config.

    It is `.hydra/config.yaml` as Hydra wrote it, letter by letter: interpolations still follow an
    override on the command line, and quotes survive ("1e-4" stays a text). Hydra leaves its own
    node out of that file; where runs go and what they log is added from `.hydra/hydra.yaml`. The
    trial's identity and the sweep stay behind: what is started here is a run of its own.
    """
    try:
        config = (trial_folder / ".hydra" / "config.yaml").read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    header = HEADER.format(number=number, study=study, folder=study_folder.resolve())
    settings = run_settings(trial_folder)
    hydra = "\n" + to_yaml({"hydra": settings}) if settings else ""
    return f"{header}{config.rstrip()}\n{hydra}"


def run_settings(trial_folder: Path) -> dict[str, Any]:
    """What a single run needs of the trial's Hydra node: where to run, what to log."""
    try:
        text = (trial_folder / ".hydra" / "hydra.yaml").read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    node = (yaml.safe_load(text) or {}).get("hydra") or {}
    kept = {key: node[key] for key in ("run", "job_logging") if key in node}
    if (node.get("job") or {}).get("chdir"):
        kept["job"] = {"chdir": True}
    return kept
