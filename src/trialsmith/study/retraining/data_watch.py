"""Whether a retraining has the data of its search."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from trialsmith import yaml12
from trialsmith.study.retraining.plan import Plan, Run


class DataWatch:
    """Says, as soon as it is known, that a run's data are not those of the search."""

    def __init__(self, plan: Plan, tell: Callable[[str], None]) -> None:
        self._asked = [word for word in plan.overrides if chooses_data(word)]
        self._tell = tell
        self._told = False

    def __call__(self, run: Run, folder: Path) -> None:
        found = None if self._told else noted(folder).get("data_fingerprint")
        if found is None:
            return
        self._told = True
        if run.candidate.fingerprint not in (None, found):
            asked = f", as asked ({' '.join(self._asked)})" if self._asked else ""
            mark = "note" if self._asked else "WARNING"
            told = "" if self._asked else ": the file or the split changed; scores do not compare"
            self._tell(f"{mark}: these are not the data of the search{asked}{told}")


def chooses_data(word: str) -> bool:
    """Whether an override can change which samples there are."""
    key = word.lstrip("+~").partition("=")[0]
    harmless = ("batch_size", "batch_atoms", "num_workers", "cache_dir", "downsample_factor")
    return key == "data" or (key.startswith("data.") and key.partition(".")[2] not in harmless)


def noted(folder: Path) -> dict[str, Any]:
    """What a run has noted of where it comes from, its data's fingerprint among it."""
    try:
        content = yaml12.load((folder / "provenance.yaml").read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):  # not yet, or only half
        return {}
    return content if isinstance(content, dict) else {}
