"""Hydra configs, Lightning training and Optuna search, joined: one line runs a search."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trialsmith.prediction import load as load

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    """`trialsmith.load`, imported when it is asked for: PyTorch takes seconds."""
    if name == "load":
        from trialsmith.prediction import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
