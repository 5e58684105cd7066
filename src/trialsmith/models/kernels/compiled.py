"""How kernels are compiled, and the functions of one number that they are made of."""

import math
from typing import Any, no_type_check

import numpy as np
from numba import njit, types
from numba.extending import overload

# Sums may be taken in any order, so that a processor adds many numbers at once; what is not a
# number stays so. Without Python's check for divisions by zero loops become vector instructions.
_OPTIONS: Any = {"fastmath": {"contract", "reassoc", "nsz", "arcp"}, "error_model": "numpy"}

inlined: Any = njit(inline="always", **_OPTIONS)

_LOG2_E = np.float32(1.44269504)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
_C = [
    np.float32(c)
    for c in (1.98756915e-4, 1.39819995e-3, 8.33345191e-3, 4.16657959e-2, 1.66666655e-1, 0.5)
]
_C0, _C1, _C2, _C3, _C4, _C5 = _C


def kernel(function: Any) -> Any:
    """Compiles a function at its first call; other threads run while it does.

    What is compiled is kept beside the file or in the user's cache. Where neither can be written,
    as in a container, every process compiles anew; NUMBA_CACHE_DIR names another place.
    """
    try:
        return njit(nogil=True, cache=True, **_OPTIONS)(function)
    except RuntimeError:  # nothing is compiled yet: numba has looked for a place only
        return njit(nogil=True, **_OPTIONS)(function)


def exponential(x: float) -> float:
    """eˣ; in kernels of single precision to 1.4e-7 of its value, between -87 and 88."""
    return math.exp(x)


@overload(exponential, inline="always", jit_options=_OPTIONS)
@no_type_check
def _exponential(x):
    return _single if x == types.float32 else _double


@no_type_check
def _double(x):
    return math.exp(x)


@no_type_check
def _single(x):
    """Without a call, so that the loop around it becomes vector instructions.

    eˣ = 2ⁿ eʳ with |r| ≤ ln 2 / 2 and a polynomial for eʳ; its coefficients, and ln 2 in two parts,
    are those of S. L. Moshier's Cephes library (`expf`).
    """
    inside = min(max(x, np.float32(-87)), np.float32(88))
    n = np.floor(inside * _LOG2_E + np.float32(0.5))
    r = inside - n * _LN2_HIGH - n * _LN2_LOW
    series = ((((_C0 * r + _C1) * r + _C2) * r + _C3) * r + _C4) * r + _C5
    power = np.int32((np.int32(n) + 127) << 23).view(np.float32)  # 2ⁿ by its bits
    return (series * r * r + r + np.float32(1)) * power if x == x else x


@inlined
@no_type_check
def sigmoid(x):
    """1 / (1 + e⁻ˣ)"""
    one = type(x)(1)  # a literal would make it double precision
    return one / (one + exponential(-x))


@inlined
@no_type_check
def silu(x):
    """x σ(x)"""
    return x * sigmoid(x)


@inlined
@no_type_check
def silu_slope(x):
    """The derivative of x σ(x)."""
    gate = sigmoid(x)
    return gate * (type(x)(1) + x * (type(x)(1) - gate))
