"""Work that is shared among processes is the same work."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trialsmith.errors import DataError
from trialsmith.parallel import mapped

SCRIPT = """
from pathlib import Path
import numpy as np
from trialsmith.graph import GraphBuilder, Structure, build_graphs

cells = [np.eye(3) * side for side in np.linspace(3, 4, 20)]
crystals = [Structure(np.array([29]), np.zeros((1, 3)), cell) for cell in cells]
build_graphs(crystals, GraphBuilder(), Path("cache"), progress=False, workers=2)
"""


def test_several_processes_give_the_results_in_order() -> None:
    items = list(range(50))
    here = mapped(math.sqrt, items, "roots", seconds=0.0)
    there = mapped(math.sqrt, items, "roots", seconds=60.0)  # said to be slow: worth processes
    assert here == there == [math.sqrt(item) for item in items]
    assert mapped(math.sqrt, [], "nothing", seconds=60.0) == []


def test_a_script_without_a_guard_is_told_of_it(tmp_path: Path) -> None:
    """Processes that help run the script anew: they must not wait for the lock of the first."""
    (tmp_path / "plain.py").write_text(SCRIPT)
    command = [sys.executable, "plain.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("trialsmith.errors.DataError: building graphs")
    assert "imports the script that you run: put what the script does under if" in done.stderr


def test_a_process_that_dies_is_told() -> None:
    with pytest.raises(DataError, match=r"leaving: one of 2 processes ended .* memory"):
        mapped(os._exit, [3, 3], "leaving", seconds=0.0, workers=2)
