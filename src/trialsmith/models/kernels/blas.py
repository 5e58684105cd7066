"""Products of matrices inside kernels, by the BLAS that PyTorch itself computes with."""

import ctypes
from typing import Any, no_type_check

import llvmlite.binding  # type: ignore[import-untyped]
import numpy as np
import torch
from numba import types
from numba.extending import get_cython_function_address, overload

# In the order of BLAS's ?gemm, all by reference: are the factors transposed, rows, columns, inner
# size, α, the first factor and its leading dimension, the second, β, the result.
_ROUTINES = {types.float32: "sgemm", types.float64: "dgemm"}


def _address(routine: str) -> int:
    """Where ?gemm begins: in a library that PyTorch is linked with, or else in SciPy's.

    SciPy's divides a product among threads of its own, which are many where chunks are already
    divided: as exact, and slower.
    """
    try:
        function = getattr(ctypes.CDLL(torch._C.__file__), f"{routine}_")
    except (AttributeError, OSError):
        return get_cython_function_address("scipy.linalg.cython_blas", routine)
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None  # what has a name is somewhere
    return address


def _declared(routine: str, number: Any) -> Any:
    """The routine as kernels call it; what is compiled and kept knows it by its name alone."""
    name = f"trialsmith_{routine}"
    llvmlite.binding.add_symbol(name, _address(routine))
    letter, integer, scalar = (types.CPointer(t) for t in (types.uint8, types.int32, number))
    sizes = letter, letter, integer, integer, integer
    factors = scalar, scalar, integer, scalar, integer, scalar, scalar, integer
    return types.ExternalFunction(name, types.void(*sizes, *factors))


_DECLARED = {number: _declared(routine, number) for number, routine in _ROUTINES.items()}


def add_product(x: Any, y: Any, keep: float, out: Any) -> None:
    """out = x y + keep out, in kernels; a transposed factor is not copied."""
    raise NotImplementedError("kernels alone call it")


@overload(add_product)
@no_type_check
def _add_product(x, y, keep, out):
    if "A" in (x.layout, y.layout) or out.layout != "C":
        return None  # with gaps in memory
    gemm, number = _DECLARED[out.dtype], getattr(np, out.dtype.name)
    # BLAS counts down columns, and so takes every array for its transpose: outᵀ = yᵀ xᵀ
    letter_of_x, letter_of_y = (ord("T" if each.layout == "F" else "N") for each in (x, y))
    x_turned, y_turned = x.layout == "F", y.layout == "F"

    def multiply(x, y, keep, out):
        rows, inner = x.shape
        columns = y.shape[1]
        if y.shape[0] != inner or out.shape != (rows, columns):
            raise ValueError("shapes of a product do not go together")
        letters = np.array([letter_of_y, letter_of_x], np.uint8)
        of_x = rows if x_turned else inner
        of_y = inner if y_turned else columns
        sizes = np.array([columns, rows, inner, of_y, of_x, columns], np.int32)
        scalars = np.array([1, keep], number)
        gemm(
            letters.ctypes,
            letters[1:].ctypes,
            sizes.ctypes,
            sizes[1:].ctypes,
            sizes[2:].ctypes,
            scalars.ctypes,
            y.ctypes,
            sizes[3:].ctypes,
            x.ctypes,
            sizes[4:].ctypes,
            scalars[1:].ctypes,
            out.ctypes,
            sizes[5:].ctypes,
        )

    return multiply
