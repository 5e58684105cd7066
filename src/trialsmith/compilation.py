"""Loops that are compiled for the machine at their first use."""

from typing import Any

from numba import config, njit


def compiled(function: Any, version: str = "", **options: Any) -> Any:
    """The function, which is compiled at its first call; other threads run while it works.

    What is compiled is kept beside the file or in the user's cache. Where neither can be written,
    as in a container, every process compiles anew; NUMBA_CACHE_DIR names another place.

    Args:
        version: a digest of other files that the function is made of; numba looks at its own alone
            to know whether what is kept is old.
        options: numba's.
    """
    function.__qualname__ += f"_{version}" if version else ""  # part of the kept file's name
    try:
        return njit(nogil=True, cache=True, **options)(function)
    except RuntimeError:  # nothing is compiled yet: numba has looked for a place only
        return njit(nogil=True, **options)(function)


def features() -> str:
    """What numba compiles for, in LLVM's words: `+avx512f,-sse4a,…`; empty if it is not known."""
    chosen = getattr(config, "CPU_FEATURES", None)
    if chosen is not None:
        return str(chosen)
    try:
        from numba.core.codegen import get_host_cpu_features
    except ImportError:  # it is numba's own, and may move
        return ""
    return str(get_host_cpu_features())


def supports(*names: str) -> bool:
    """Whether what numba compiles for has all of these."""
    return {f"+{name}" for name in names} <= set(features().split(","))


def _use_whole_vectors() -> None:
    """LLVM keeps to half of a processor's widest vectors, lest they slow its clock; products
    between the kernels use the whole ones in any case.

    A user's own choice of features stands. What other packages compile in this process has them
    too; and if one of them has compiled before, all keep to halves: slower, and rounded otherwise.
    """
    if getattr(config, "CPU_FEATURES", None) is None and supports("avx512f"):
        setattr(config, "CPU_FEATURES", f"{features()},-prefer-256-bit")  # noqa: B010  # see numba


_use_whole_vectors()
