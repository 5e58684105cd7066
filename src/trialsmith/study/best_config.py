"""The best trial's configuration as a config that runs by itself."""

from pathlib import Path
from typing import Any

from trialsmith import yaml12
from trialsmith.study.formats import to_yaml

HEADER = """\
# The configuration of trial {number}, the best of study {study}. To train it again:
#   python train.py --config-path "{folder}" --config-name best_config
"""


def best_config(study: str, number: int, trial_folder: Path, study_folder: Path) -> str | None:
    """`standing_alone` of the best trial, with the command that trains it again above it."""
    config = standing_alone(trial_folder)
    if config is None:
        return None
    return HEADER.format(number=number, study=study, folder=study_folder.resolve()) + config


def standing_alone(folder: Path) -> str | None:
    """Text of a primary config that equals that of a run; None where the run left no config.

    It is `.hydra/config.yaml` as Hydra wrote it, letter by letter: interpolations still follow an
    override on the command line, and quotes survive ("1e-4" stays a text). Hydra leaves its own
    node out of that file; where runs go and what they log is added from `.hydra/hydra.yaml`. A
    trial's identity and its sweep stay behind: what is started here is a run of its own.
    """
    try:
        config = (folder / ".hydra" / "config.yaml").read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    return with_run_settings(config, folder)


def with_run_settings(config: str, folder: Path) -> str:
    """`config` with what Hydra itself was told for the run in `folder`."""
    settings = run_settings(folder)
    return f"{config.rstrip()}\n" + ("\n" + to_yaml({"hydra": settings}) if settings else "")


def run_settings(trial_folder: Path) -> dict[str, Any]:
    """What a single run needs of the trial's Hydra node: where to run, what to log."""
    try:
        text = (trial_folder / ".hydra" / "hydra.yaml").read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    node = (yaml12.load(text) or {}).get("hydra") or {}
    kept = {key: node[key] for key in ("run", "job_logging") if key in node}
    if (node.get("job") or {}).get("chdir"):
        kept["job"] = {"chdir": True}
    return kept
