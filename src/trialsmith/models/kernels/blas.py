"""Products of matrices inside kernels, by the BLAS that PyTorch itself computes with."""

import ctypes
from typing import Any, no_type_check

import llvmlite.binding  # type: ignore[import-untyped]
import numpy as np
from numba import types
from numba.extending import get_cython_function_address, overload

from trialsmith.models.kernels.bfloat16 import widen
from trialsmith.models.kernels.compiled import NARROW_ROUTINE
from trialsmith.models.linked import linked

# In the order of BLAS's ?gemm, all by reference: are the factors transposed, rows, columns, inner
# size, α, the first factor and its leading dimension, the second, β, the result.
_ROUTINES = {types.float32: "sgemm", types.float64: "dgemm"}


def _address(routine: str) -> int:
    """Where ?gemm begins: in a library that PyTorch is linked with, or else in SciPy's.

    SciPy's divides a product among threads of its own, which are many where chunks are already
    divided: as exact, and slower.
    """
    functions = linked(f"{routine}_")
    if functions is None:
        return get_cython_function_address("scipy.linalg.cython_blas", routine)
    return _address_of(functions[0])


def _address_of(function: Any) -> int:
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None  # what has a name is somewhere
    return address


def _declared(routine: str, address: int, number: Any, factor: Any) -> Any:
    """The routine as kernels call it; what is compiled and kept knows it by its name alone."""
    name = f"trialsmith_{routine}"
    llvmlite.binding.add_symbol(name, address)
    letter, integer, scalar, bits = (
        types.CPointer(t) for t in (types.uint8, types.int32, number, factor)
    )
    sizes = letter, letter, integer, integer, integer
    factors = scalar, bits, integer, bits, integer, scalar, scalar, integer
    return types.ExternalFunction(name, types.void(*sizes, *factors))


def _all_declared() -> dict[tuple[Any, Any], Any]:
    """By the types of factors and result."""
    declared = {
        (number, number): _declared(routine, _address(routine), number, number)
        for number, routine in _ROUTINES.items()
    }
    functions = linked(f"{NARROW_ROUTINE}_")
    if functions is not None:
        address = _address_of(functions[0])
        narrow = _declared(NARROW_ROUTINE, address, types.float32, types.uint16)
        declared[types.uint16, types.float32] = narrow
    return declared


_DECLARED = _all_declared()


def add_product(x: Any, y: Any, keep: float, out: Any) -> None:
    """out = x y + keep out, in kernels; a transposed factor is not copied.

    Factors are of out's type, or both in the bits of bfloat16.
    """
    raise NotImplementedError("kernels alone call it")


@overload(add_product)
@no_type_check
def _add_product(x, y, keep, out):
    if "A" in (x.layout, y.layout) or out.layout != "C":
        return None  # with gaps in memory
    number = getattr(np, out.dtype.name)
    gemm = _DECLARED.get((x.dtype, out.dtype))
    if gemm is None:
        return _product_of_widened(number)
    # BLAS counts down columns, and so takes every array for its transpose: outᵀ = yᵀ xᵀ
    letter_of_x, letter_of_y = (ord("T" if each.layout == "F" else "N") for each in (x, y))
    x_turned, y_turned = x.layout == "F", y.layout == "F"

    def multiply(x, y, keep, out):
        rows, inner = x.shape
        columns = y.shape[1]
        if y.shape[0] != inner or out.shape != (rows, columns):
            raise ValueError("shapes of a product do not go together")
        letters = np.array([letter_of_y, letter_of_x], np.uint8)
        of_x = max(1, rows if x_turned else inner)
        of_y = max(1, inner if y_turned else columns)  # BLAS refuses 0
        sizes = np.array([columns, rows, inner, of_y, of_x, max(1, columns)], np.int32)
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


@no_type_check
def _product_of_widened(number):
    def multiply(x, y, keep, out):
        wide_x, wide_y = np.empty(x.shape, number), np.empty(y.shape, number)
        widen(x, wide_x)
        widen(y, wide_y)
        add_product(wide_x, wide_y, keep, out)

    return multiply
