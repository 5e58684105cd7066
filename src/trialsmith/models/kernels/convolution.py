"""A convolution's way through its chunks, each from the product on, without Python between them.

How links are multiplied and what their norm asks for is told by tuples of `steps`.
"""

from typing import Any, NamedTuple, no_type_check

from trialsmith.models.kernels.compiled import kernel
from trialsmith.models.kernels.gates import differentiate_gates, send, sum_at_targets
from trialsmith.models.kernels.steps import (
    differentiate_norm,
    differentiate_product,
    normalise,
    project,
)


class ChunkTable(NamedTuple):
    """Where chunks begin, and the links that they are cut from."""

    links: Any  # bounds of the chunks among the links,
    targets: Any  # and among the targets: one more than chunks
    source: Any  # of each link
    starts: Any  # of the links of each target
    weight: Any  # of each link


@kernel
@no_type_check
def convolve(table, e, rows, product, m, bias, s, v, t, u, eps, r, d, taken, norm, new):
    """m = W e + b + sⱼ + tᵢ of each chunk, then `sum_at_targets`, then the norm.

    e[rows] are the links' features. m, r, d, taken and, where the norm says so, new are written.
    """
    for c in range(len(table.links) - 1):
        a, b = table.links[c], table.links[c + 1]
        first, last = table.targets[c], table.targets[c + 1]
        x, source, weight = m[a:b], table.source[a:b], table.weight[a:b]
        project(product, e, rows, a, b, x)
        starts = table.starts[first : last + 1] - a
        ours = t[first:last], u[first:last], r[first:last], d[first:last], taken[first:last]
        sum_at_targets(x, bias, s, v, source, starts, weight, eps, *ours)
        normalise(norm, c, e, rows, a, b, x, new)


@kernel
@no_type_check
def differentiate(
    table, e, rows, product, m, least, v, ds, dv, dtaken, r, d, dt, norm, dnew, scratch
):
    """`differentiate_gates` of each chunk, then the norm, `send` and the derivatives of W e.

    v, ds and dv begin with the member ``least``, before which no link begins. scratch has room for
    the longest chunk, and afterwards holds m̄ of the last one.
    """
    for c in range(len(table.links) - 1):
        a, b = table.links[c], table.links[c + 1]
        first, last = table.targets[c], table.targets[c + 1]
        x, dm, weight = m[a:b], scratch[: b - a], table.weight[a:b]
        source, starts = table.source[a:b] - least, table.starts[first : last + 1] - a
        ours = dtaken[first:last], r[first:last], d[first:last]
        differentiate_gates(x, v, source, starts, weight, *ours, dm, dv)
        differentiate_norm(norm, a, b, dnew, x, dm)
        send(dm, source, starts, ds, dt[first:last])
        differentiate_product(product, e, rows, a, b, dm, dnew)
