"""What a run is told of the processor that it lives on."""

import logging
from pathlib import Path

import pytest
import torch

from trialsmith import compilation, runtime
from trialsmith.errors import InfeasibleConfig
from trialsmith.models import kernels


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
        runtime.prepare(0, None, precision, "highest")
    assert ("32-true" in caplog.text) == told


@pytest.mark.parametrize("precision", ["high", "medium", "highest"])
def test_products_are_as_exact_as_asked(precision: str) -> None:
    try:
        runtime.prepare(0, None, "32-true", precision)
        assert torch.get_float32_matmul_precision() == precision
    finally:
        runtime.prepare(0, None, "32-true", "highest")
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.parametrize(
    ("has_tiles", "features", "gpu", "chosen"),
    [
        (True, "+amx-bf16,-amx-fp16", False, "high"),
        (True, "+amx-bf16,-amx-fp16", True, "highest"),
        (True, "+amx-bf16,+amx-fp16", False, "highest"),
        (False, "+avx512bf16", False, "highest"),
        (False, "", False, "highest"),
    ],
)
def test_high_is_chosen_where_it_is_as_good(
    monkeypatch: pytest.MonkeyPatch, has_tiles: bool, features: str, gpu: bool, chosen: str
) -> None:
    monkeypatch.setattr(kernels, "HAS_TILES", has_tiles)
    monkeypatch.setattr(compilation, "features", lambda: features)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    with runtime.with_matmul_precision("auto"):
        assert torch.get_float32_matmul_precision() == chosen


def test_precision_is_as_before_afterwards() -> None:
    with runtime.with_matmul_precision("high"):
        assert torch.get_float32_matmul_precision() == "high"
    assert torch.get_float32_matmul_precision() == "highest"


def test_an_unknown_precision_is_refused_with_those_that_are() -> None:
    with pytest.raises(
        InfeasibleConfig, match=r"matmul_precision=tf32 .* auto, highest, high, medium"
    ):
        runtime.prepare(0, None, "32-true", "tf32")
