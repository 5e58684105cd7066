"""Whether kernels may use AMX, the unit of some processors for products of matrices."""

import ctypes
import platform
import sys

from trialsmith import compilation

# Linux's names: a process asks once for the state that the tiles need, 8 KB a thread
_ARCH_PRCTL, _ARCH_REQ_XCOMP_PERM, _XFEATURE_XTILEDATA = 158, 0x1023, 18


def _may_use_tiles() -> bool:
    if not (sys.platform == "linux" and platform.machine() == "x86_64"):
        return False
    if not compilation.supports("amx-tile", "amx-bf16", "avx512bf16"):
        return False
    permitted: int = ctypes.CDLL(None).syscall(
        _ARCH_PRCTL, _ARCH_REQ_XCOMP_PERM, _XFEATURE_XTILEDATA
    )
    return permitted == 0


HAS_TILES = _may_use_tiles()
