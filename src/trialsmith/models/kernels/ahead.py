"""Memory is asked for what kernels need soon, and they work on while it comes.

A processor does so by itself where rows follow one another, but begins anew with every page and
stops where other work comes between.
"""

from typing import Any, no_type_check

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from trialsmith.models.kernels.compiled import inlined

LINE = 64  # bytes that come at a time
_ROWS = 8  # how far ahead of the row in work
_CLOSEST, _DATA = 3, 1  # to the first-level cache; not what is to be executed


def _asked_for(typing: Any, address: Any, to_write: int) -> Any:
    def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:
        pointer = builder.inttoptr(values[0], cgutils.voidptr_t)
        given = [pointer, *(ir.Constant(ir.IntType(32), n) for n in (to_write, _CLOSEST, _DATA))]
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in given])
        ask = builder.module.declare_intrinsic("llvm.prefetch", [pointer.type], kind)
        builder.call(ask, given)
        return context.get_dummy_value()

    return types.void(types.intp), generate


@intrinsic
@no_type_check
def ask_for(typing, address):
    """The line of memory with this address; there need be none."""
    return _asked_for(typing, address, 0)


@intrinsic
@no_type_check
def ask_to_write(typing, address):
    """As `ask_for`, for what is to be overwritten."""
    return _asked_for(typing, address, 1)


@inlined
@no_type_check
def ask_for_row_after(x, k):
    """A row of x some way after row k."""
    address = address_of(x) + (k + _ROWS) * x.strides[0]
    for byte in range(0, x.shape[1] * x.itemsize, LINE):
        ask_for(address + byte)


@inlined
@no_type_check
def address_of(x):
    """As a number with a sign: numba's sums of one without and one with are no integers."""
    return np.intp(x.ctypes.data)
