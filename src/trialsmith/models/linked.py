"""Functions of the libraries that PyTorch computes with: BLAS, OpenMP."""

import ctypes
from typing import Any

import torch


def linked(*names: str) -> list[Any] | None:
    """The functions of these names, or None where PyTorch is linked with others."""
    try:
        library = ctypes.CDLL(torch._C.__file__)
        return [getattr(library, name) for name in names]
    except (AttributeError, OSError):
        return None
