"""Hydra configs, Lightning training and Optuna search, joined: one line runs a search."""

import os
from typing import TYPE_CHECKING, Any

# OpenMP's threads spin for milliseconds after a product, on cores that the threads of
# `models.shares` wait for: a tenth of a training step of ALIGNN. GNU's runtime, which comes with
# PyTorch on Linux, reads this as it is loaded; a tenth of its own choice is enough for all models.
OPENMP_ENVIRONMENT = {"GOMP_SPINCOUNT": "30000"}
if not os.environ.keys() & {*OPENMP_ENVIRONMENT, "OMP_WAIT_POLICY"}:
    os.environ.update(OPENMP_ENVIRONMENT)

if TYPE_CHECKING:
    from trialsmith.prediction import load as load

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    """`trialsmith.load`, imported when it is asked for: PyTorch takes seconds."""
    if name == "load":
        from trialsmith.prediction import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
