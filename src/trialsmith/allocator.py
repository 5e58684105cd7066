"""Memory that the C library keeps for the next training step, in huge pages.

By default glibc returns every large tensor to the system and asks for it anew, and the system
clears each page: up to half of the time of a training step on a CPU. And a step reads and writes
hundreds of megabytes once: in pages of 4 KB, whose places a processor must look up all the time,
that takes a tenth longer than in pages of 2 MB.
"""

import ctypes
import mmap
import sys

# names of glibc's malloc.h and of Linux's mman.h
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_MADV_HUGEPAGE = 14
_NEVER = -1
_STEPS_OF_GROWTH = 2**28
_RESERVED = 2**31  # bytes; of addresses alone, until they are used


def keep_freed_memory() -> None:
    """What is freed is no longer returned, and the next two gigabytes come in huge pages, where the
    system has them for those who ask. Elsewhere than in glibc nothing is done.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):
        return
    libc.mallopt(_M_MMAP_MAX, 0)
    libc.mallopt(_M_TRIM_THRESHOLD, _NEVER)
    libc.mallopt(_M_TOP_PAD, _STEPS_OF_GROWTH)

    libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    libc.free.argtypes, libc.free.restype = [ctypes.c_void_p], None
    begin = libc.malloc(_RESERVED)
    if begin is None:  # a limit of this process or of the system is in the way
        return
    first = -(-begin // mmap.PAGESIZE) * mmap.PAGESIZE
    libc.madvise(first, begin + _RESERVED - mmap.PAGESIZE - first, _MADV_HUGEPAGE)
    libc.free(begin)
