"""Products of matrices, as exact as `trialsmith.models.factors` has them.

A result is computed in blocks of 32 × 32 numbers. Factors are packed in blocks that stay in a
core's second-level cache, with zeros where a matrix ends.
"""

from typing import no_type_check

import numpy as np

from trialsmith.models.kernels import tiles
from trialsmith.models.kernels.bfloat16 import BITS, narrowed
from trialsmith.models.kernels.blas import add_product
from trialsmith.models.kernels.compiled import kernel
from trialsmith.models.kernels.permission import HAS_TILES

_EDGE = 32  # of a block of the result, and of a step within the factors
_PACKED = 256  # edge of what is packed at a time


@kernel
@no_type_check
def room_for_products(parts):
    """For packed blocks of two factors, and for a block at the edge of a matrix."""
    words = parts * _PACKED * _PACKED // 2 if HAS_TILES else 0
    space = np.empty(2 * words + 16, np.uint32)
    begin = (-space.ctypes.data) % 64 // 4  # tiles are read by whole lines of the cache
    ends = begin + words, begin + 2 * words
    edge = np.empty((_EDGE, _EDGE), np.float32)
    return space[begin : ends[0]], space[ends[0] : ends[1]], edge


@kernel
@no_type_check
def multiply(x, turn_x, y, turn_y, parts, before, out, room):
    """out = x y + before, where x and y may be transposed first.

    ``before`` is ``out`` itself, another matrix, one row for all, or empty. Factors are taken as
    they are, or in so many parts of bfloat16: one, or two where there is AMX, and else as they are.

    Raises:
        ValueError: parts of what is not of single precision.
    """
    if parts and out.itemsize != 4:
        raise ValueError("factors in parts must be of single precision")
    if parts and HAS_TILES:
        _multiply_tiles(x, turn_x, y, turn_y, parts, before, out, room)
        return
    keep = 0.0
    if before.size:
        keep = 1.0
        if before.ctypes.data != out.ctypes.data:
            out[:] = before
    if parts == 1:
        of_x = narrowed(x, np.empty(x.shape, BITS))
        of_y = narrowed(y, np.empty(y.shape, BITS))
        _add_product(of_x, turn_x, of_y, turn_y, keep, out)
    else:
        _add_product(x, turn_x, y, turn_y, keep, out)


@kernel
@no_type_check
def _add_product(x, turn_x, y, turn_y, keep, out):
    if turn_x:
        add_product(x.T, y, keep, out)
    elif turn_y:
        add_product(x, y.T, keep, out)
    else:
        add_product(x, y, keep, out)


@kernel
@no_type_check
def _multiply_tiles(x, turn_x, y, turn_y, parts, before, out, room):
    of_x, of_y, edge = room
    inner = len(x) if turn_x else x.shape[1]
    for k in range(0, max(inner, 1), _PACKED):
        depth = min(_PACKED, inner - k)
        for n in range(0, out.shape[1], _PACKED):
            columns = min(_PACKED, out.shape[1] - n)
            _pack(y, turn_y, turn_y, n, columns, k, depth, parts, of_y, edge)
            for m in range(0, out.shape[0], _PACKED):
                rows = min(_PACKED, out.shape[0] - m)
                _pack(x, not turn_x, turn_x, m, rows, k, depth, parts, of_x, edge)
                here = out[m : m + rows, n : n + columns]
                if k:
                    there = here
                elif len(before) > 1:
                    there = before[m : m + rows, n : n + columns]
                else:
                    there = before[:, n : n + columns]
                _multiply_block(of_x, of_y, depth, parts, there, here, edge)


@kernel
@no_type_check
def _pack(z, lines_are_rows, turn, begin, lines, k, depth, parts, packed, edge):
    """So many lines of z, its rows or else its columns, of each ``depth`` numbers from k on.

    Tiles with two numbers of each row side by side are those of the first factor, with two of each
    column those of the second; of the other one when they are transposed.
    """
    steps = -(-depth // _EDGE)
    size = 2 * parts * tiles.TILE  # of a step
    for line in range(begin, begin + lines, _EDGE):
        for step in range(steps):
            i, j = k + step * _EDGE, line
            if lines_are_rows:
                i, j = j, i
            to = packed.ctypes.data + ((line - begin) // _EDGE * steps + step) * size
            source, row = z.ctypes.data + i * z.strides[0] + j * z.itemsize, z.strides[0]
            if i + _EDGE > z.shape[0] or j + _EDGE > z.shape[1]:
                edge[:] = 0
                some = z[i : i + _EDGE, j : j + _EDGE]
                edge[: some.shape[0], : some.shape[1]] = some
                source, row = edge.ctypes.data, edge.strides[0]
            if lines_are_rows:
                for n in range(_EDGE):
                    if parts == 1:
                        tiles.row_in_one(source + n * row, to + 64 * n)
                    else:
                        tiles.row_in_two(source + n * row, to + 64 * n)
            else:
                for n in range(_EDGE // 2):
                    above, below = source + 2 * n * row, source + (2 * n + 1) * row
                    if parts == 1:
                        tiles.two_rows_in_one(above, below, to + 64 * n)
                    else:
                        tiles.two_rows_in_two(above, below, to + 64 * n)
            if turn:
                for tile in range(2 * parts):
                    tiles.transpose(to + tile * tiles.TILE)


@kernel
@no_type_check
def _multiply_block(of_x, of_y, depth, parts, before, out, edge):
    """out = x y + before, for a part of a matrix, from packed factors."""
    steps = -(-depth // _EDGE)
    size = 2 * parts * tiles.TILE  # of a step
    row, row_before = out.strides[0], before.strides[0] if len(before) > 1 else 0
    tiles.configure()
    for m in range(0, out.shape[0], _EDGE):
        for n in range(0, out.shape[1], _EDGE):
            rows, columns = min(_EDGE, out.shape[0] - m), min(_EDGE, out.shape[1] - n)
            whole = rows == _EDGE and columns == _EDGE
            if not before.size:
                tiles.clear_result()
            elif whole:
                address = before.ctypes.data + m * row_before + n * before.itemsize
                tiles.load_result(address, row_before)
            else:
                if len(before) > 1:
                    edge[:rows, :columns] = before[m : m + rows, n : n + columns]
                else:
                    edge[:rows, :columns] = before[:, n : n + columns]
                tiles.load_result(edge.ctypes.data, edge.strides[0])
            at_x = of_x.ctypes.data + m // _EDGE * steps * size
            at_y = of_y.ctypes.data + n // _EDGE * steps * size
            for step in range(steps):
                if parts == 1:
                    tiles.step_of_one(at_x + step * size, at_y + step * size)
                else:
                    tiles.step_of_two(at_x + step * size, at_y + step * size)
            if whole:
                tiles.store_result(out.ctypes.data + m * row + n * out.itemsize, row)
            else:
                tiles.store_result(edge.ctypes.data, edge.strides[0])
                out[m : m + rows, n : n + columns] = edge[:rows, :columns]
    tiles.release()
