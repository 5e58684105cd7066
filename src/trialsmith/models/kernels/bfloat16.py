"""Numbers of bfloat16, which numpy and numba do not know, in the upper half of a float32's bits.

S. Wang, P. Kanwar, "BFloat16: the secret to high performance on Cloud TPUs" (2019).
"""

from typing import no_type_check

import numpy as np

from trialsmith.models.kernels.compiled import inlined, kernel

BITS = np.uint16
_NOT_A_NUMBER = np.uint32(0x7FC0)


@kernel
@no_type_check
def narrowed(x, room):
    """x, rounded to the nearest and halfway to the even one, written to ``room``."""
    for k in range(len(x)):
        _narrow(x[k], room[k])
    return room


@kernel
@no_type_check
def widen(x, out):
    """out = x"""
    for k in range(len(x)):
        for h in range(x.shape[1]):
            out[k, h] = np.uint32(np.uint32(x[k, h]) << np.uint32(16)).view(np.float32)


@inlined
@no_type_check
def _narrow(x, out):
    for h in range(len(x)):
        bits = np.float32(x[h]).view(np.uint32)
        odd = np.uint32(np.uint32(bits >> np.uint32(16)) & np.uint32(1))
        upper = np.uint32(np.uint32(bits + np.uint32(0x7FFF) + odd) >> np.uint32(16))
        out[h] = np.uint16(upper if x[h] == x[h] else _NOT_A_NUMBER)
