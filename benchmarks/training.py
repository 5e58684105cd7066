"""`python train.py` as a user runs it, and what it leaves."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def command(folder: Path, overrides: Sequence[str]) -> list[str]:
    """The command line of a run whose results go to ``folder``."""
    return [sys.executable, "train.py", *overrides, f"hydra.run.dir={folder}"]


def trained(folder: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """Trains; returns what `metrics.json` holds."""
    run = command(folder, overrides)
    subprocess.run(run, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return json.loads((folder / "metrics.json").read_text())
