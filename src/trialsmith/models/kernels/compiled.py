"""How kernels are compiled, and the exponential function that they are made of."""

import hashlib
import math
from pathlib import Path
from typing import Any, no_type_check

import numpy as np
from numba import njit, types
from numba.extending import overload

from trialsmith import compilation
from trialsmith.compilation import compiled
from trialsmith.models import linked as linking
from trialsmith.models.kernels.permission import HAS_TILES
from trialsmith.models.linked import linked

# MKL's product of factors in bfloat16 with sums in single precision, which not every PyTorch has.
NARROW_ROUTINE = "gemm_bf16bf16f32"


def _digest_of_kernels() -> str:
    """Of their sources, and of what they else do without: a routine, AMX's tiles."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    sources += [Path(str(module.__file__)) for module in (compilation, linking)]
    there = linked(f"{NARROW_ROUTINE}_") is not None, HAS_TILES
    parts = [*map(Path.read_bytes, sources), str(there).encode()]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


# numba asks a kernel's own file alone whether what it has compiled is old
_DIGEST = _digest_of_kernels()

# Sums may be taken in any order, so that a processor adds many numbers at once; what is not a
# number stays so. Without Python's check for divisions by zero loops become vector instructions.
_OPTIONS: Any = {"fastmath": {"contract", "reassoc", "nsz", "arcp"}, "error_model": "numpy"}

inlined: Any = njit(inline="always", **_OPTIONS)

_LOG2_E, _LN2 = np.float32(1.44269504), np.float32(0.693147182)
_LEAST, _MOST = np.float32(-87), np.float32(88)
_C2, _C3, _C4, _C5, _C6 = (
    np.float32(c)
    for c in (4.99999940e-1, 1.66665211e-1, 4.16683890e-2, 8.36874545e-3, 1.38145394e-3)
)
# Between 2²³ and 2²⁴ numbers of single precision are the integers: the sum of x and this one is
# rounded to that of n and this one, with n the integer next to x, and its lowest bits are those of
# n + 127, the exponent of 2ⁿ.
_TO_INTEGER = np.float32(1.5 * 2**23 + 127)
_BITS_OF_ZERO = np.int32(_TO_INTEGER.view(np.int32))


def kernel(function: Any) -> Any:
    """`compiled`, and anew when one of this folder's files has changed."""
    return compiled(function, _DIGEST, **_OPTIONS)


def exponential(x: float) -> float:
    """eˣ; in kernels of single precision to 1e-7 of its value, and to 3e-7 where |x| > 10.

    On processors without fused multiply-add it is 6e-7 and 4e-6. x below -87 or above 88 counts as
    these.
    """
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

    eˣ = 2ⁿ eʳ with |r| ≤ ln 2 / 2, and for eʳ = 1 + r + c₂r² + … + c₆r⁶ the coefficients of least
    relative error, 4e-9.
    """
    inside = min(max(x, _LEAST), _MOST)  # in this order what is not a number stays so
    sum_ = inside * _LOG2_E + _TO_INTEGER
    bits = np.float32(sum_).view(np.int32)
    r = inside - np.float32(np.int32(bits - _BITS_OF_ZERO)) * _LN2
    series = ((((_C6 * r + _C5) * r + _C4) * r + _C3) * r + _C2) * r
    return ((series + np.float32(1)) * r + np.float32(1)) * np.int32(bits << 23).view(np.float32)
