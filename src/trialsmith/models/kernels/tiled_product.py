"""Products of matrices by AMX.

The second factor is packed in squares of 256 × 256 numbers, each of which stays in a core's
second-level cache while it is multiplied, the first in panels of 32 lines, which stay in the cache
before that. Tiles leave the rest of the processor idle: beside the product of one panel, it packs
the next, and asks memory for what comes then.
"""

from typing import Any, NamedTuple, no_type_check

import numpy as np

from trialsmith.models.kernels import tiles
from trialsmith.models.kernels.ahead import LINE, address_of, ask_for, ask_to_write
from trialsmith.models.kernels.compiled import inlined, kernel
from trialsmith.models.kernels.packing import EDGE, PIECES, ROWS, bytes_of_block, pack, pack_piece
from trialsmith.models.kernels.permission import HAS_TILES

_SQUARE = 256  # numbers along its edge


class Coming(NamedTuple):
    """What is packed and asked for beside the steps of a product; addresses, distances in bytes."""

    lines_are_rows: Any
    source: Any  # of the next panel,
    row: Any  # from one of its rows to the next,
    block: Any  # from a block,
    panel: Any  # and from this panel to the one after it
    to: Any  # where it is packed
    pieces: Any  # in which it is: none, if it is not whole
    asked: Any  # what is asked for as well,
    lines: Any  # so many lines of memory at every step


@kernel
@no_type_check
def room_for_tiles(parts):
    """For two packed panels, a packed square, and a block at the edge of a matrix."""
    square = parts * _SQUARE * _SQUARE // 2 if HAS_TILES else 0  # words
    panels = 2 * square * EDGE // _SQUARE
    space = np.empty(panels + square + LINE // 4, np.uint32)
    begin = -address_of(space) % LINE // 4  # tiles are read by whole lines of the cache
    between, end = begin + panels, begin + panels + square
    return space[begin:between], space[between:end], np.empty((EDGE, EDGE), np.float32)


@kernel
@no_type_check
def multiply_tiles(x, turn_x, y, turn_y, parts, before, out, room):
    """`multiply`, in parts of bfloat16."""
    of_y, edge = address_of(room[1]), room[2]
    inner = len(x) if turn_x else x.shape[1]
    for k in range(0, max(inner, 1), _SQUARE):
        depth = min(_SQUARE, inner - k)
        for n in range(0, out.shape[1], _SQUARE):
            columns = min(_SQUARE, out.shape[1] - n)
            pack(y, turn_y, turn_y, n, columns, k, depth, parts, of_y, edge)
            next_y = y[k + depth : k + depth + _SQUARE] if not turn_y else y[:0]
            here = out[:, n : n + columns]
            there = here if k else before[:, n : n + columns]
            _multiply_square(x, turn_x, k, depth, of_y, parts, there, here, room, next_y)


@kernel
@no_type_check
def _multiply_square(x, turn_x, k, depth, of_y, parts, before, out, room, next_y):
    """out = x y + before, with the numbers of x from k on and a packed square of y.

    Args:
        next_y: the rows of y after these, which are asked for; none, if that is not worth it.
    """
    of_x, edge, rows = address_of(room[0]), room[2], len(out)
    steps, row = -(-depth // EDGE), x.strides[0]
    size = steps * bytes_of_block(parts)
    source, block, panel = address_of(x) + k * x.itemsize, EDGE * x.itemsize, EDGE * row
    if turn_x:
        source, block, panel = address_of(x) + k * row, panel, block
    turns = -(-rows // EDGE) * -(-out.shape[1] // EDGE) * steps
    lines = len(next_y) * next_y.strides[0] // LINE // max(1, turns)
    asked = address_of(next_y)

    tiles.configure()
    for m in range(0, rows, EDGE):
        odd = m // EDGE % 2
        here, there = of_x + odd * size, of_x + (1 - odd) * size
        if not m:
            pack(x, not turn_x, turn_x, 0, 1, k, depth, parts, here, edge)
        after = m + EDGE
        whole = after + EDGE <= rows and depth % EDGE == 0
        coming = Coming(
            not turn_x,
            source + after // EDGE * panel,
            row,
            block,
            panel,
            there,
            PIECES * steps if whole else 0,
            asked,
            lines,
        )
        of_panel = before[m:after] if len(before) > 1 else before
        next_out = address_of(out) + after * out.strides[0]
        _multiply_panel(here, of_y, steps, parts, of_panel, out[m:after], next_out, coming, edge)
        if not whole and after < rows:
            pack(x, not turn_x, turn_x, after, 1, k, depth, parts, there, edge)
        asked += turns // -(-rows // EDGE) * lines * LINE
    tiles.release()


@kernel
@no_type_check
def _multiply_panel(of_x, of_y, steps, parts, before, out, next_out, coming, edge):
    """out = x y + before, with a packed panel of x and a packed square of y."""
    size, row = bytes_of_block(parts), out.strides[0]
    row_before = before.strides[0] if len(before) > 1 else 0
    rows, done, asked = len(out), 0, coming.asked
    for n in range(0, out.shape[1], EDGE):
        columns = min(EDGE, out.shape[1] - n)
        whole = rows == EDGE and columns == EDGE
        if not before.size:
            tiles.clear_result()
        elif whole:
            tiles.load_result(address_of(before) + n * before.itemsize, row_before)
        else:
            edge[:rows, :columns] = before[:, n : n + columns]
            tiles.load_result(address_of(edge), edge.strides[0])
        at_x, at_y = of_x, of_y + n // EDGE * steps * size
        place = next_out + n * out.itemsize
        for _ in range(steps):
            if parts == 1:
                tiles.step_of_one(at_x, at_y)
            else:
                tiles.step_of_two(at_x, at_y)
            at_x += size
            at_y += size
            for _ in range(coming.lines):
                ask_for(asked)
                asked += LINE
            if done < coming.pieces:
                _prepare(coming, done, parts)
                for k in range(ROWS):
                    ask_to_write(place + k * row)
                    ask_to_write(place + k * row + LINE)
                place += ROWS * row
                done += 1
        if whole:
            tiles.store_result(address_of(out) + n * out.itemsize, row)
        else:
            tiles.store_result(address_of(edge), edge.strides[0])
            out[:, n : n + columns] = edge[:rows, :columns]
    for piece in range(done, coming.pieces):
        _prepare(coming, piece, parts)


@inlined
@no_type_check
def _prepare(coming, number, parts):
    """Packs a piece of the next panel, and asks for that of the one after it."""
    block, piece = number // PIECES, number % PIECES
    source, to = coming.source + block * coming.block, coming.to + block * bytes_of_block(parts)
    rows, turn = coming.lines_are_rows, not coming.lines_are_rows
    pack_piece(source, coming.row, rows, turn, parts, piece, to)
    source += piece * ROWS * coming.row + coming.panel
    for k in range(ROWS):
        ask_for(source + k * coming.row)
        ask_for(source + k * coming.row + LINE)
