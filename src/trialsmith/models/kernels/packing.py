"""Factors as AMX's tiles have them, in blocks of 32 × 32 numbers, with zeros where a matrix ends.

The numbers of a line, a row of the first factor or a column of the second, are those that are
multiplied. A block is 32 of a line for 32 lines: two tiles of each part, as `tiles` knows them.
"""

from typing import no_type_check

from trialsmith.models.kernels import tiles
from trialsmith.models.kernels.ahead import address_of
from trialsmith.models.kernels.compiled import inlined, kernel

EDGE = 32  # of a block
PIECES = 8  # in which a block can be packed,
ROWS = EDGE // PIECES  # of so many rows of the matrix


@inlined
@no_type_check
def bytes_of_block(parts):
    return 2 * parts * tiles.TILE


@kernel
@no_type_check
def pack(z, lines_are_rows, turn, begin, lines, k, depth, parts, to, edge):
    """So many lines of z, its rows or else its columns, of each ``depth`` numbers from k on.

    Tiles with two numbers of each row side by side are those of the first factor, with two of each
    column those of the second; of the other one when they are turned.

    Args:
        to: address, where the blocks of the first 32 lines come first.
        edge: room for a block.
    """
    for line in range(begin, begin + lines, EDGE):
        for at in range(k, k + depth, EDGE):
            i, j = (line, at) if lines_are_rows else (at, line)
            source, row = address_of(z) + i * z.strides[0] + j * z.itemsize, z.strides[0]
            if i + EDGE > z.shape[0] or j + EDGE > z.shape[1]:
                edge[:] = 0
                some = z[i : i + EDGE, j : j + EDGE]
                edge[: some.shape[0], : some.shape[1]] = some
                source, row = address_of(edge), edge.strides[0]
            for piece in range(PIECES):
                pack_piece(source, row, lines_are_rows, turn, parts, piece, to)
            to += bytes_of_block(parts)


@inlined
@no_type_check
def pack_piece(source, row, lines_are_rows, turn, parts, piece, to):
    """An eighth of the block that begins at ``source``.

    The last comes last: it turns what all have packed.
    """
    begin = source + piece * ROWS * row
    if lines_are_rows:
        place = to + piece * ROWS * 64
        for n in range(ROWS):
            tiles.pack_row(parts, begin + n * row, place + 64 * n)
    else:
        place = to + piece * ROWS // 2 * 64
        for n in range(ROWS // 2):
            above = begin + 2 * n * row
            tiles.pack_two_rows(parts, above, above + row, place + 64 * n)
    if turn and piece == PIECES - 1:
        for tile in range(2 * parts):
            tiles.transpose(to + tile * tiles.TILE)
