"""What AMX and vector registers do, for kernels: products of tiles, and factors in the form that
these need.

A tile is a register of 16 rows of 64 bytes. AMX adds to one, of numbers of single precision,

    cₘₙ += Σₖ xₘₖ yₖₙ        for 16 m, 16 n and 32 k

with x and y in bfloat16. A row of x has all k of an m; a row of y two k of each n, side by side in
a double word. Four tiles are 32 × 32 numbers of the result, two and two the factors of a step.
Intel, Architecture Instruction Set Extensions Programming Reference, ch. 3.

Factors come as sums of one to three parts in bfloat16, of which `trialsmith.models.factors` tells.
A step has the tiles of all parts of a factor one after the other, two of each.

All arguments but the number of parts are addresses of arrays, or distances between rows, in bytes.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from trialsmith.models.kernels.permission import HAS_TILES

TILE = 1024


class _BFloat16(ir.Type):
    """LLVM's, which llvmlite does not know."""

    def _to_string(self) -> str:
        return "bfloat"


_BYTE, _WORD, _ADDRESS = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_POINTER = _BYTE.as_pointer()
_WORDS, _HALVES = ir.VectorType(_WORD, 16), ir.VectorType(ir.IntType(16), 16)
_NUMBERS = ir.VectorType(ir.FloatType(), 16)
_NARROW = ir.VectorType(_BFloat16(), 16)
# By their number, which parts of x and y are multiplied, one of the two as in the pair before.
_PAIRS = {
    1: [(0, 0)],
    2: [(1, 0), (0, 0), (0, 1)],
    3: [(2, 0), (0, 0), (1, 0), (1, 1), (0, 1), (0, 2)],
}
# numba asks a function for its parameters, one for each argument that kernels give
_TAKING: list[Callable[[Any], Any]] = [
    lambda made: lambda typing: made,
    lambda made: lambda typing, a: made,
    lambda made: lambda typing, a, b: made,
    lambda made: lambda typing, a, b, c: made,
    lambda made: lambda typing, a, b, c, d: made,
    lambda made: lambda typing, a, b, c, d, e: made,
]


def _in_kernels(emit: Any) -> Any:
    """What ``emit`` gives the builder to do, as a function for kernels.

    It is nothing where the processor would not know the instructions.
    """
    count = len(inspect.signature(emit).parameters) - 1

    def generate(context: Any, builder: Any, _: Any, values: Any) -> Any:
        if HAS_TILES:
            emit(builder, *values)
        return context.get_dummy_value()

    return intrinsic(_TAKING[count]((types.void(*[types.intp] * count), generate)))


@_in_kernels
def configure(builder: Any) -> None:
    """Eight tiles, of 16 rows of 64 bytes each; until `release`."""
    table = bytearray(64)
    table[0] = 1
    for tile in range(8):
        table[16 + 2 * tile], table[48 + tile] = 64, 16
    data = cgutils.global_constant(
        builder.module, "tiles", ir.Constant(ir.ArrayType(_BYTE, len(table)), table)
    )
    _call(builder, "ldtilecfg", builder.bitcast(data, _POINTER))


@_in_kernels
def release(builder: Any) -> None:
    _call(builder, "tilerelease")


@_in_kernels
def clear_result(builder: Any) -> None:
    for tile in range(4):
        _call(builder, "tilezero", _number(tile))


def _result_moved_by(name: str) -> Any:
    @_in_kernels
    def move(builder: Any, address: Any, row: Any) -> None:
        below = builder.add(address, builder.mul(row, ir.Constant(_ADDRESS, 16)))
        for tile, (start, right) in enumerate(
            [(address, 0), (address, 64), (below, 0), (below, 64)]
        ):
            _call(builder, name, _number(tile), _pointer(builder, start, right), row)

    return move


load_result, store_result = map(_result_moved_by, ("tileloadd64", "tilestored64"))


@_in_kernels
def add(builder: Any, stored: Any, before: Any, row_before: Any, out: Any, row: Any) -> None:
    """out = stored + before, each of 32 × 32 numbers, those of ``stored`` without gaps."""
    for m in range(32):
        number = ir.Constant(_ADDRESS, m)
        above = builder.add(before, builder.mul(row_before, number))
        to = builder.add(out, builder.mul(row, number))
        for half in (0, 64):
            total = builder.fadd(
                _vector(builder, stored, 128 * m + half), _vector(builder, above, half)
            )
            place = builder.bitcast(_pointer(builder, to, half), _NUMBERS.as_pointer())
            builder.store(total, place, align=4)


@_in_kernels
def step(builder: Any, parts: Any, x: Any, y: Any) -> None:
    """Adds the products of one step's tiles to the result.

    y's may pass by the first-level cache, whose room x's need: these meet all of y in turn.
    """
    factors = (4, x, "tileloadd64"), (6, y, "tileloaddt164")
    for count in _each_number(builder, parts):
        held: dict[int, int] = {}
        for pair in _PAIRS[count]:
            for (first, address, load), part in zip(factors, pair, strict=True):
                if held.get(first) != part:
                    for n in range(2):
                        tile = _pointer(builder, address, (2 * part + n) * TILE)
                        of_row = ir.Constant(_ADDRESS, 64)
                        _call(builder, load, _number(first + n), tile, of_row)
                    held[first] = part
            for n in range(4):
                _call(builder, "tdpbf16ps", *map(_number, (n, 4 + n // 2, 6 + n % 2)))


@_in_kernels
def pack_row(builder: Any, parts: Any, source: Any, to: Any) -> None:
    """32 numbers that lie side by side become a row of a tile, and one of a tile of each part."""
    for count in _each_number(builder, parts):
        for half in range(2):
            x = _vector(builder, source, 64 * half)
            for part, bits in enumerate(_taken_apart(builder, x, count)):
                _put(builder, builder.trunc(bits, _HALVES), to, 2 * part * TILE + 32 * half)


@_in_kernels
def pack_two_rows(builder: Any, parts: Any, source: Any, below: Any, to: Any) -> None:
    """32 numbers and those below them become a row of two tiles, and of two of each part."""
    for count in _each_number(builder, parts):
        for n in range(2):
            rows = (_vector(builder, address, 64 * n) for address in (source, below))
            bits = (_taken_apart(builder, row, count) for row in rows)
            for part, (low, high) in enumerate(zip(*bits, strict=True)):
                both = builder.or_(low, builder.shl(high, _all(16)))
                _put(builder, both, to, (2 * part + n) * TILE)


@_in_kernels
def transpose(builder: Any, tile: Any) -> None:
    """The 16 × 16 double words of a tile in memory: halves, quarters, … change places."""
    start = builder.inttoptr(tile, _WORDS.as_pointer())
    places = [builder.gep(start, [ir.Constant(_ADDRESS, n)]) for n in range(16)]
    rows = [builder.load(place, align=64) for place in places]
    for width in (8, 4, 2, 1):
        upper = [h if not h & width else 16 + h - width for h in range(16)]
        lower = [h + width if not h & width else 16 + h for h in range(16)]
        for n in (n for n in range(16) if not n & width):
            both = rows[n], rows[n + width]
            rows[n], rows[n + width] = (
                builder.shuffle_vector(*both, ir.Constant(_WORDS, mask)) for mask in (upper, lower)
            )
    for row, place in zip(rows, places, strict=True):
        builder.store(row, place, align=64)


def _each_number(builder: Any, parts: Any) -> Iterator[int]:
    """For each number of parts in turn what is emitted is done where ``parts`` is it."""
    end = builder.append_basic_block()
    choice = builder.switch(parts, end)
    for count in _PAIRS:
        block = builder.append_basic_block()
        choice.add_case(ir.Constant(_ADDRESS, count), block)
        builder.position_at_end(block)
        yield count
        builder.branch(end)
    builder.position_at_end(end)


def _taken_apart(builder: Any, x: Any, parts: int) -> Iterator[Any]:
    """x in bfloat16, rounded to the nearest, then what is missing; as words of their bits."""
    for _ in range(parts):
        bits = builder.zext(builder.bitcast(builder.fptrunc(x, _NARROW), _HALVES), _WORDS)
        yield bits
        x = builder.fsub(x, builder.bitcast(builder.shl(bits, _all(16)), _NUMBERS))


def _call(builder: Any, name: str, *values: Any) -> None:
    kind = ir.FunctionType(ir.VoidType(), [value.type for value in values])
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.x86.{name}")
    builder.call(function, values)


def _number(tile: int) -> Any:
    return ir.Constant(_BYTE, tile)


def _all(word: int) -> Any:
    return ir.Constant(_WORDS, [word] * 16)


def _pointer(builder: Any, address: Any, offset: int) -> Any:
    return builder.inttoptr(builder.add(address, ir.Constant(_ADDRESS, offset)), _POINTER)


def _vector(builder: Any, address: Any, offset: int) -> Any:
    place = builder.bitcast(_pointer(builder, address, offset), _NUMBERS.as_pointer())
    return builder.load(place, align=4)


def _put(builder: Any, vector: Any, address: Any, offset: int) -> None:
    place = builder.bitcast(_pointer(builder, address, offset), vector.type.as_pointer())
    builder.store(vector, place, align=32)
