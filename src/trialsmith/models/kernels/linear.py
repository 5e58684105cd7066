"""Linear maps of rows.

Share k has the rows bounds[k] … bounds[k + 1] - 1.
"""

from typing import no_type_check

from trialsmith.models.kernels.product import multiply
from trialsmith.models.kernels.rows import add_to
from trialsmith.models.kernels.team import Shared
from trialsmith.models.kernels.tiled_product import room_for_products


@Shared
@no_type_check
def map_rows(k, bounds, x, weight, bias, parts, y):
    """y = x Wᵀ + b is written."""
    a, b = bounds[k], bounds[k + 1]
    before = bias.reshape((1, len(bias)))
    multiply(x[a:b], False, weight, True, parts, before, y[a:b], room_for_products(parts))


@Shared
@no_type_check
def differentiate_map(k, bounds, dy, x, weight, parts, dx, dweight, dbias):
    """x̄ = ȳ W, empty if nobody asks for it, W̄ = ȳᵀ x and b̄ = Σ ȳ are written, the latter two for
    each share.
    """
    a, b = bounds[k], bounds[k + 1]
    packed, zero = room_for_products(parts), dy[:0]
    multiply(dy[a:b], True, x[a:b], False, parts, zero, dweight[k], packed)
    if dx.size:
        multiply(dy[a:b], False, weight, False, parts, zero, dx[a:b], packed)
    dbias[k] = 0
    for n in range(a, b):
        add_to(dbias[k], dy[n])
