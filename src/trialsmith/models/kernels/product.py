"""Products of matrices, as exact as `trialsmith.models.factors` has them."""

from typing import no_type_check

import numpy as np

from trialsmith.models.kernels.bfloat16 import BITS, narrowed
from trialsmith.models.kernels.blas import add_product
from trialsmith.models.kernels.compiled import kernel
from trialsmith.models.kernels.permission import HAS_TILES
from trialsmith.models.kernels.tiled_product import multiply_tiles


@kernel
@no_type_check
def multiply(x, turn_x, y, turn_y, parts, before, out, room):
    """out = x y + before, where x and y may be transposed first.

    ``before`` is ``out`` itself, another matrix, one row for all, or empty. Factors are taken as
    they are, or in so many parts of bfloat16: one, or up to three where there is AMX, and else as
    they are.

    Args:
        room: of `room_for_products`.

    Raises:
        ValueError: shapes that do not go together, more than three parts, or parts of what is not
            of single precision.
    """
    if not 0 <= parts <= 3:
        raise ValueError("factors have none to three parts")
    if parts and out.itemsize != 4:
        raise ValueError("factors in parts must be of single precision")
    rows, inner = (x.shape[1], x.shape[0]) if turn_x else x.shape
    inner_of_y, columns = (y.shape[1], y.shape[0]) if turn_y else y.shape
    if inner != inner_of_y or out.shape != (rows, columns):
        raise ValueError("shapes of a product do not go together")
    if parts and HAS_TILES:
        multiply_tiles(x, turn_x, y, turn_y, parts, before, out, room)
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
