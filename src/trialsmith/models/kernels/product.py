"""Products of matrices, as exact as `trialsmith.models.factors` has them."""

from typing import no_type_check

import numpy as np

from trialsmith.models.kernels.ahead import address_of
from trialsmith.models.kernels.bfloat16 import BITS, narrowed
from trialsmith.models.kernels.blas import add_product
from trialsmith.models.kernels.compiled import kernel
from trialsmith.models.kernels.permission import HAS_TILES
from trialsmith.models.kernels.tiled_product import multiply_tiles, room_for_tiles

room_for_products = room_for_tiles


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
        multiply_tiles(x, turn_x, y, turn_y, parts, before, out, room)
        return
    keep = 0.0
    if before.size:
        keep = 1.0
        if address_of(before) != address_of(out):
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
