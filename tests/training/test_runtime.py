"""What a run is told of the processor that it lives on, and what it tells OpenMP."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from trialsmith import runtime


@pytest.mark.parametrize(
    ("processor", "precision", "told"),
    [
        ("flags\t: fpu avx512f avx512_vnni", "bf16-mixed", True),
        ("flags\t: fpu avx512f avx512_bf16", "bf16-mixed", False),
        ("Features\t: fp asimd bf16", "bf16-mixed", False),
        ("flags\t: fpu avx512f avx512_vnni", "32-true", False),
        (None, "bf16-mixed", False),
    ],
)
def test_products_that_are_emulated_are_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    processor: str | None,
    precision: str,
    told: bool,
) -> None:
    monkeypatch.setattr(runtime, "_PROCESSOR", tmp_path / "cpuinfo")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    if processor is not None:
        (tmp_path / "cpuinfo").write_text(f"{processor}\n")
    with caplog.at_level(logging.WARNING, "trialsmith"):
        runtime.prepare(0, None, precision)
    assert ("32-true" in caplog.text) == told


@pytest.mark.parametrize(
    ("own", "spins"),
    [
        ({}, "30000"),
        ({"GOMP_SPINCOUNT": "7"}, "7"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "30000000000"),  # its own for this policy
    ],
)
def test_threads_of_openmp_do_not_spin_for_long_unless_a_user_wants_it(
    own: dict[str, str], spins: str
) -> None:
    """As GNU's runtime says of itself when it is loaded with PyTorch."""
    names = {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}
    others = {name: value for name, value in os.environ.items() if name not in names}
    told = others | own | {"OMP_DISPLAY_ENV": "verbose"}
    line = [sys.executable, "-c", "import trialsmith, torch"]
    shown = subprocess.run(line, env=told, capture_output=True, text=True, check=True).stderr
    if "GOMP_SPINCOUNT" not in shown:
        pytest.skip("PyTorch does not compute with GNU's OpenMP here")
    assert f"GOMP_SPINCOUNT = '{spins}'" in shown
