"""Memory is asked for what kernels need soon, and they work on while it comes.

A processor does so by itself where rows follow one another, but begins anew with every page of
memory, and stops where other work comes between. Kernels ask for what was written long before, as
on the way forward when they go back; what one has just written is in the cache.
"""

from typing import Any, no_type_check

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from trialsmith.models.kernels.compiled import inlined

LINE = 64  # bytes that come at a time
_ROWS = 8  # how far ahead of the row in work; 2 to 16 were measured to be as good
_SECOND_LEVEL, _DATA = 2, 1  # into that cache, for the first has little room; not instructions


def _asking(to_write: int) -> Any:
    def ask(typing: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:
            place = builder.inttoptr(values[0], cgutils.voidptr_t)
            how = (ir.Constant(ir.IntType(32), n) for n in (to_write, _SECOND_LEVEL, _DATA))
            given = [place, *how]
            kind = ir.FunctionType(ir.VoidType(), [value.type for value in given])
            prefetch = builder.module.declare_intrinsic("llvm.prefetch", [place.type], kind)
            builder.call(prefetch, given)
            return context.get_dummy_value()

        return types.void(types.intp), generate

    return intrinsic(ask)


# For the line of memory with an address, to be read or to be overwritten; there need be none.
ask_for, ask_to_write = map(_asking, (0, 1))


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
    """As a number with a sign: what kernels set to one with and one without becomes a float64."""
    return np.intp(x.ctypes.data)
