"""A convolution's way through its chunks, each from the product on, without Python between them.

Which product the links have and which norm is told by tuples of arrays: those of a step that is not
taken are empty. One function is compiled for all of them, and not one for each choice.
"""

from typing import Any, NamedTuple, TypeVar, no_type_check

import numpy as np

from trialsmith.models.kernels.batch_norm import differentiate_normalised, moments
from trialsmith.models.kernels.bfloat16 import BITS, narrowed
from trialsmith.models.kernels.blas import add_product
from trialsmith.models.kernels.compiled import kernel
from trialsmith.models.kernels.gates import add_rows, differentiate_gates, send, sum_at_targets
from trialsmith.models.kernels.layer_norm import (
    add_layer_normalised,
    differentiate_layer_normalised,
)


class ChunkTable(NamedTuple):
    """Where chunks begin, and the links that they are cut from."""

    links: Any  # bounds of the chunks among the links,
    targets: Any  # and among the targets: one more than chunks
    source: Any  # of each link
    starts: Any  # of the links of each target
    weight: Any  # of each link


class Product(NamedTuple):
    """W e of each link: from W, in bfloat16 or not, or from the products of features that many
    links share.
    """

    weight: Any
    narrow_weight: Any
    products: Any


class ProductBack(NamedTuple):
    """W̄ gathers in dweight and ē is written; or what comes back gathers for shared features."""

    weight: Any
    narrow_weight: Any
    dweight: Any
    de: Any
    dproducts: Any
    dvalues: Any
    least: int  # the row of features with which the last two begin


class LinkNorm(NamedTuple):
    """Layer norm, by which e' is written; or the moments of each chunk, for batch norm."""

    gamma: Any
    beta: Any
    eps: Any
    share: Any  # of each link
    totals: Any
    means: Any
    spreads: Any


class LinkNormBack(NamedTuple):
    """Layer norm, with what gathers γ̄ and β̄; or the terms of `differentiate_normalised`."""

    gamma: Any
    beta: Any
    eps: Any
    dgamma: Any
    dbeta: Any
    scale: Any
    shift: Any
    share: Any  # of each link
    constant: Any
    slope: Any


_NUMBERS = {"eps", "least"}
_TABLES = {*Product._fields, *ProductBack._fields, "means", "spreads"} - _NUMBERS

Step = TypeVar("Step", Product, ProductBack, LinkNorm, LinkNormBack)


def step(of: type[Step], like: np.ndarray, **given: Any) -> Step:
    """A tuple from above for numbers of the type of ``like``; what is not given is empty."""
    empty = {
        name: np.empty(
            (0, 0) if name in _TABLES else 0, BITS if name == "narrow_weight" else like.dtype
        )
        for name in of._fields
        if name not in _NUMBERS
    }
    numbers = {"eps": like.dtype.type(0), "least": 0}
    return of(**{name: (numbers | empty | given)[name] for name in of._fields})


@kernel
@no_type_check
def convolve(table, e, rows, product, m, bias, parts, eps, r, d, norm, new):
    """`sum_at_targets` of each chunk, from W e on, then the norm.

    e[rows] are the links' features. m, r, d and, where the norm says so, new are written.
    """
    narrow_e = _room(table, product.narrow_weight)
    for c in range(len(table.links) - 1):
        a, b = table.links[c], table.links[c + 1]
        first, last = table.targets[c], table.targets[c + 1]
        x, source, weight = m[a:b], table.source[a:b], table.weight[a:b]
        if product.weight.size:
            add_product(e[a:b], product.weight.T, 0, x)
        elif product.narrow_weight.size:
            add_product(narrowed(e[a:b], narrow_e), product.narrow_weight.T, 0, x)
        elif product.products.size:
            for k in range(b - a):
                x[k] = product.products[rows[a + k]]
        starts = table.starts[first : last + 1] - a
        ours = r[first:last], d[first:last]
        sum_at_targets(x, bias, parts, source, first, starts, weight, eps, *ours)
        if norm.gamma.size:
            add_layer_normalised(e, rows[a:b], x, norm.gamma, norm.beta, norm.eps, new[a:b])
        elif norm.totals.size:
            norm.totals[c] = moments(x, norm.share[a:b], norm.means[c], norm.spreads[c])


@kernel
@no_type_check
def differentiate(table, e, rows, product, m, least, parts, dparts, dr, r, d, norm, dnew, scratch):
    """`differentiate_gates` of each chunk, then the norm, `send` and the derivatives of W e.

    parts and dparts begin with the member ``least``, before which no link begins or ends. dnew is
    ē', empty if nothing reads e'. scratch has room for the longest chunk.
    """
    narrow_e, narrow_dm = _room(table, product.narrow_weight), _room(table, product.narrow_weight)
    for c in range(len(table.links) - 1):
        a, b = table.links[c], table.links[c + 1]
        first, last = table.targets[c], table.targets[c + 1]
        x, dm, weight = m[a:b], scratch[: b - a], table.weight[a:b]
        source, starts = table.source[a:b] - least, table.starts[first : last + 1] - a
        ours = dr[first:last], r[first:last], d[first:last]
        differentiate_gates(x, parts, source, starts, weight, *ours, dm, dparts)
        if norm.gamma.size:
            line, sums = (norm.gamma, norm.beta, norm.eps), (norm.dgamma, norm.dbeta)
            differentiate_layer_normalised(dnew[a:b], x, *line, dm, *sums)
        elif norm.scale.size:
            common = norm.share[a:b], norm.constant, norm.slope
            differentiate_normalised(dnew[a:b], x, norm.scale, norm.shift, *common, dm)
        send(dm, source, first - least, starts, dparts)
        if product.de.size:
            de = product.de[a:b]
            if dnew.size:
                de[:] = dnew[a:b]
            else:
                de[:] = 0
            if product.weight.size:
                add_product(dm.T, e[a:b], 1, product.dweight)
                add_product(dm, product.weight, 1, de)
            else:
                dm_bits, e_bits = narrowed(dm, narrow_dm), narrowed(e[a:b], narrow_e)
                add_product(dm_bits.T, e_bits, 1, product.dweight)
                add_product(dm_bits, product.narrow_weight, 1, de)
        elif product.dproducts.size:
            shared = rows[a:b] - product.least
            add_rows(dm, shared, product.dproducts)
            if dnew.size:
                add_rows(dnew[a:b], shared, product.dvalues)


@kernel
@no_type_check
def _room(table, narrow_weight):
    """For the longest chunk in the bits of bfloat16, if there are products of these.

    W is square: m is as wide as e.
    """
    longest = 0
    if narrow_weight.size:
        for c in range(len(table.links) - 1):
            longest = max(longest, table.links[c + 1] - table.links[c])
    return np.empty((longest, narrow_weight.shape[1]), BITS)
