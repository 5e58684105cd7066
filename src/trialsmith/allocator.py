"""Memory that the C library keeps for the next training step, in huge pages.

By default glibc returns every large tensor to the system and asks for it anew, and the system
clears each page: up to half of the time of a training step on a CPU. And a step reads and writes
hundreds of megabytes once: in pages of 4 KB, whose places a processor must look up all the time,
that takes a tenth longer than in pages of 2 MB.
"""

import ctypes
import mmap
import resource
import sys
from pathlib import Path

# names of glibc's malloc.h and of Linux's mman.h
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_MADV_HUGEPAGE = 14
_NEVER = -1
_STEPS_OF_GROWTH = 2**28
_RESERVED = [2**33, 2**32, 2**31]  # bytes, the first that can be had
_OVERCOMMIT = Path("/proc/sys/vm/overcommit_memory")
_COUNTED = "2\n"


def keep_freed_memory() -> None:
    """What is freed is no longer returned; the next eight gigabytes, of the program's main thread,
    come in huge pages, where the system has them for those who ask. Nothing is done without glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):
        return
    libc.mallopt(_M_MMAP_MAX, 0)
    libc.mallopt(_M_TRIM_THRESHOLD, _NEVER)
    libc.mallopt(_M_TOP_PAD, _STEPS_OF_GROWTH)
    if not _addresses_are_counted():
        _reserve_in_huge_pages(libc)


def _reserve_in_huge_pages(libc: ctypes.CDLL) -> None:
    """Asked for before it is used, and given back to glibc, which uses it next. Only addresses are
    taken by that.
    """
    libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    libc.free.argtypes, libc.free.restype = [ctypes.c_void_p], None
    for size in _RESERVED:
        begin = libc.malloc(size)
        if begin is not None:
            first = -(-begin // mmap.PAGESIZE) * mmap.PAGESIZE
            libc.madvise(first, begin + size - mmap.PAGESIZE - first, _MADV_HUGEPAGE)
            libc.free(begin)
            return


def _addresses_are_counted() -> bool:
    """Whether those that are reserved would be missing elsewhere."""
    limits = (resource.getrlimit(of)[0] for of in (resource.RLIMIT_AS, resource.RLIMIT_DATA))
    if any(limit != resource.RLIM_INFINITY for limit in limits):
        return True
    try:
        return _OVERCOMMIT.read_text() == _COUNTED
    except OSError:
        return False
