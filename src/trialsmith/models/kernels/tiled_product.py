"""Products of matrices by AMX.

The second factor is packed in squares of 256 × 256 numbers, each of which stays in a core's
second-level cache while it is multiplied, the first in panels of 32 lines. Tiles leave the rest of
the processor idle: beside the product of one panel, it packs the next, and asks memory for what
comes then.
"""

from typing import Any, NamedTuple, no_type_check

import numpy as np

from trialsmith.models.kernels import tiles
from trialsmith.models.kernels.ahead import LINE, address_of, ask_for, ask_to_write
from trialsmith.models.kernels.compiled import inlined, kernel
from trialsmith.models.kernels.packing import EDGE, PIECES, ROWS, bytes_of_block, pack, pack_piece
from trialsmith.models.kernels.permission import HAS_TILES

# Numbers along its edge. A square has as many columns of blocks as a block has pieces: so there is
# one piece of the next panel to pack at each step.
_SQUARE = PIECES * EDGE


class _Coming(NamedTuple):
    """What is done beside the steps of a product: addresses, and distances in bytes."""

    turned: Any  # whether the lines of the next panel are columns
    source: Any  # where it begins,
    row: Any  # from one of its rows to the next,
    block: Any  # from a block,
    panel: Any  # and from this panel to the one after it, which is asked for
    to: Any  # where it is packed,
    pieces: Any  # in so many
    results: Any  # where those of the next panel will be written
    asked: Any  # what else is asked for,
    lines: Any  # so many lines of memory at each step


@kernel
@no_type_check
def room_for_products(parts):
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
            # of a y that is turned, as W is, the next square is in the cache, or one of few
            last = n + columns == out.shape[1] and not turn_y
            next_y = y[k + depth : k + depth + _SQUARE] if last else y[:0]
            here = out[:, n : n + columns]
            there = here if k else before[:, n : n + columns]
            _multiply_square(x, turn_x, k, depth, of_y, parts, there, here, room, next_y)


@kernel
@no_type_check
def _multiply_square(x, turn_x, k, depth, of_y, parts, before, out, room, next_y):
    """out = x y + before, with the numbers of x from k on and a packed square of y.

    Args:
        next_y: rows that are asked for meanwhile.
    """
    of_x, edge, rows = address_of(room[0]), room[2], len(out)
    steps, row = -(-depth // EDGE), x.strides[0]
    bytes_of_panel = steps * bytes_of_block(parts)
    source, block, panel = address_of(x) + k * x.itemsize, EDGE * x.itemsize, EDGE * row
    if turn_x:
        source, block, panel = address_of(x) + k * row, panel, block
    asked, end = address_of(next_y), address_of(next_y) + len(next_y) * next_y.strides[0]
    steps_of_all = max(1, steps * -(-rows // EDGE) * -(-out.shape[1] // EDGE))
    lines = -(-(end - asked) // (LINE * steps_of_all))

    tiles.configure()
    if rows:
        pack(x, not turn_x, turn_x, 0, EDGE, k, depth, parts, of_x, edge)
    for m in range(0, rows, EDGE):
        odd, after = m // EDGE % 2, m + EDGE
        here, there = of_x + odd * bytes_of_panel, of_x + (1 - odd) * bytes_of_panel
        whole = depth // EDGE if after + EDGE <= rows else 0  # blocks of the next panel
        coming = _Coming(
            turned=turn_x,
            source=source + after // EDGE * panel,
            row=row,
            block=block,
            panel=panel,
            to=there,
            pieces=PIECES * whole,
            results=address_of(out) + after * out.strides[0],
            asked=asked,
            lines=lines if asked < end else 0,
        )
        of_panel = before[m:after] if len(before) > 1 else before
        asked = _multiply_panel(here, of_y, steps, parts, of_panel, out[m:after], coming, edge)
        if after < rows:
            k_left, left = k + whole * EDGE, depth - whole * EDGE
            to = there + whole * bytes_of_block(parts)
            pack(x, not turn_x, turn_x, after, EDGE, k_left, left, parts, to, edge)
    tiles.release()


@kernel
@no_type_check
def _multiply_panel(of_x, of_y, steps, parts, before, out, coming, edge):
    """out = x y + before, with a packed panel of x and a packed square of y.

    Returns what is to be asked for next.
    """
    bytes_of_step, row = bytes_of_block(parts), out.strides[0]
    row_before = before.strides[0] if len(before) > 1 else 0
    rows, done, asked = len(out), 0, coming.asked
    # In three parts a square's products are summed from zero, and then added to what was before:
    # each of a step's six sums would else round as a number of its size, which is far greater late
    # in a long sum.
    added = parts == 3 and before.size > 0
    at_y = of_y
    for n in range(0, out.shape[1], EDGE):
        columns = min(EDGE, out.shape[1] - n)
        whole = rows == EDGE and columns == EDGE
        if added or not before.size:
            tiles.clear_result()
        elif whole:
            tiles.load_result(address_of(before) + n * before.itemsize, row_before)
        else:
            edge[:rows, :columns] = before[:, n : n + columns]
            tiles.load_result(address_of(edge), edge.strides[0])
        at_x, place = of_x, coming.results + n * out.itemsize
        for _ in range(steps):
            tiles.step(parts, at_x, at_y)
            at_x += bytes_of_step
            at_y += bytes_of_step
            for _ in range(coming.lines):
                ask_for(asked)
                asked += LINE
            if done < coming.pieces:
                _prepare(coming, done, parts)
                done += 1
                for _ in range(EDGE // steps):
                    ask_to_write(place)
                    ask_to_write(place + LINE)
                    place += row
        to = address_of(out) + n * out.itemsize
        if whole and not added:
            tiles.store_result(to, row)
            continue
        tiles.store_result(address_of(edge), edge.strides[0])
        if whole:
            tiles.add(
                address_of(edge), address_of(before) + n * before.itemsize, row_before, to, row
            )
        elif added:
            _add(edge[:rows, :columns], before[:, n : n + columns], out[:, n : n + columns])
        else:
            out[:, n : n + columns] = edge[:rows, :columns]
    for piece in range(done, coming.pieces):
        _prepare(coming, piece, parts)
    return asked


@kernel
@no_type_check
def _add(x, before, out):
    """out = x + before, which may be one row for all."""
    for m in range(len(x)):
        row = before[m if len(before) > 1 else 0]
        for n in range(x.shape[1]):
            out[m, n] = x[m, n] + row[n]


@inlined
@no_type_check
def _prepare(coming, piece, parts):
    """Packs a piece of the next panel, and asks for that of the one after it."""
    block, in_block = piece // PIECES, piece % PIECES
    source, to = coming.source + block * coming.block, coming.to + block * bytes_of_block(parts)
    pack_piece(source, coming.row, not coming.turned, coming.turned, parts, in_block, to)
    source += in_block * ROWS * coming.row + coming.panel
    for n in range(ROWS):
        ask_for(source + n * coming.row)
        ask_for(source + n * coming.row + LINE)
