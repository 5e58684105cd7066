"""Kernels whose work is shared out among the threads of PyTorch, without Python between them.

These threads are OpenMP's, and after a piece of work they spin for a while, waiting for the next
one: threads of another kind would share the cores with them. Where Python began each piece, the
threads would wait for one another, and small pieces would take longer to begin than to do.
"""

import ctypes
import hashlib
import os
from pathlib import Path
from types import FunctionType
from typing import Any, no_type_check

import llvmlite.binding  # type: ignore[import-untyped]
import numpy as np
import torch
from jaxtyping import Int
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from trialsmith.models.kernels.compiled import kernel
from trialsmith.models.linked import linked
from trialsmith.models.threads import in_threads_of_our_own

_PROCESS = os.getpid()
_PREFIX = "trialsmith_"
_NAMES = "GOMP_parallel", "omp_get_thread_num", "omp_get_num_threads"


def _declare_openmp() -> bool:
    """Whether the runtime of PyTorch is GNU's or takes calls as GNU's does.

    What is compiled and kept knows its functions by their names alone.
    """
    functions = linked(*_NAMES)
    for name, function in zip(_NAMES, functions or (), strict=functions is not None):
        address = ctypes.cast(function, ctypes.c_void_p).value
        llvmlite.binding.add_symbol(f"{_PREFIX}{name}", address)
    return functions is not None


_HAS_OPENMP = _declare_openmp()
_of_share: Any = None  # see `_all_shares_of`


class Shared:
    """A kernel of a share's number, the bounds of all shares, and other arguments, called for all
    shares at once.

    ``kernel([0, 5, 9], x)`` is ``kernel.of_share(k, [0, 5, 9], x)`` for k = 0 and 1, side by side
    in at most as many threads as torch has.

    Raises:
        RuntimeError: a share was not done; what a kernel itself raises does not come out of
            PyTorch's threads.
    """

    def __init__(self, function: Any) -> None:
        name = _name_of_all(function)
        self.of_share = kernel(function)
        self._of_all = _all_shares_of(self.of_share, name) if _HAS_OPENMP else None

    def __call__(self, bounds: Int[np.ndarray, "shares_and_end"], *given: Any) -> None:
        shares = len(bounds) - 1
        if self._of_all is None or os.getpid() != _PROCESS:  # its threads do not survive a fork
            in_threads_of_our_own(shares, lambda share: self.of_share(share, bounds, *given))
        else:
            # as many as PyTorch itself asks for: a smaller team would dismiss the others for good
            self._of_all(shares, torch.get_num_threads(), bounds, *given)


@no_type_check
def _of_all(shares, threads, *given):
    done = np.zeros(shares, np.uint8)
    _in_team(np.uint32(threads), _of_share, done, given)
    if not done.all():
        raise RuntimeError("a share of the work was not done: a kernel failed, or memory ran out")


def _all_shares_of(of_share: Any, name: str) -> Any:
    """`_of_all` with another ``_of_share``.

    It is no closure, which numba would compile in every process.
    """
    function = FunctionType(_of_all.__code__, globals() | {"_of_share": of_share})
    function.__qualname__ = name
    return kernel(function)


def _name_of_all(function: Any) -> str:
    """Another for each kernel, and when its file has changed: what is kept is known by it alone."""
    code = function.__code__
    try:
        source = Path(code.co_filename).read_bytes()
    except OSError:  # as in a notebook
        source = code.co_code
    place = f"{function.__module__} {function.__qualname__} {code.co_firstlineno} "
    return f"{function.__name__}_of_all_{hashlib.sha256(place.encode() + source).hexdigest()[:12]}"


@intrinsic
@no_type_check
def _in_team(typing, threads, of_share, done, given):
    """of_share(k, *given) for each k of ``done``, which then becomes 1; what it raises is lost.

    A program that GNU's compiler has compiled has a function of its own for what threads do side by
    side. It is given the address of what they share.
    """
    signature = of_share.get_call_type(typing, (types.intp, *given), {})

    def generate(context, builder, _, values):
        count, _, *arguments = values
        compiled = of_share.dispatcher.get_compile_result(signature)
        context.active_code_library.add_linking_library(compiled.library)
        module, address, integer = builder.module, cgutils.voidptr_t, ir.IntType(32)
        data = cgutils.alloca_once_value(builder, cgutils.pack_struct(builder, arguments))

        region = ir.Function(
            module, ir.FunctionType(ir.VoidType(), [address]), module.get_unique_name("region")
        )
        region.linkage = "internal"
        inside = ir.IRBuilder(region.append_basic_block())
        shared = inside.load(inside.bitcast(region.args[0], data.type))
        flags, lent = cgutils.unpack_tuple(inside, shared)
        flags = context.make_array(done)(context, inside, flags)
        lent = cgutils.unpack_tuple(inside, _lent(context, inside, given, lent))
        number, team = (
            inside.sext(
                inside.call(_declared(module, name, ir.FunctionType(integer, [])), []),
                flags.nitems.type,
            )
            for name in _NAMES[1:]
        )
        # a user may allow fewer threads than there are shares
        with cgutils.for_range_slice(inside, number, flags.nitems, team) as (share, _):
            status, _ = context.call_conv.call_function(
                inside,
                context.declare_function(module, compiled.fndesc),
                signature.return_type,
                signature.args,
                [share, *lent],
            )
            flag = inside.gep(flags.data, [share])
            inside.store(inside.zext(status.is_ok, flag.type.pointee), flag)
        inside.ret_void()

        fork = ir.FunctionType(ir.VoidType(), [region.type, address, integer, integer])
        fork = _declared(module, _NAMES[0], fork)
        data = builder.bitcast(data, address)
        shares = context.make_array(done)(context, builder, arguments[0]).nitems
        alone = builder.icmp_signed("==", shares, shares.type(1))
        # in a team of one, BLAS would begin threads of its own for every product
        with builder.if_else(alone) as (one, several):
            with one:
                builder.call(region, [data])
            with several:
                builder.call(fork, [region, data, count, integer(0)])
        return context.get_dummy_value()

    return types.void(types.uint32, of_share, done, given), generate


@no_type_check
def _declared(module, name, kind):
    return cgutils.get_or_insert_function(module, kind, f"{_PREFIX}{name}")


@no_type_check
def _lent(context, builder, kind, value):
    """Arrays whose owners are not counted.

    They outlive the work, and threads that count the views of one array wait for each other.
    """
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = cgutils.get_null_value(array.meminfo.type)
        array.parent = cgutils.get_null_value(array.parent.type)
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        parts = cgutils.unpack_tuple(builder, value)
        lent = [_lent(context, builder, *each) for each in zip(kind, parts, strict=True)]
        return context.make_tuple(builder, kind, lent)
    return value
