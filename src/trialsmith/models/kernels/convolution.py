"""A convolution's way through its chunks, each from the product on, without Python between them."""

from typing import no_type_check

from trialsmith.models.kernels.batch_norm import moments
from trialsmith.models.kernels.gates import add_rows, differentiate_gates, send, sum_at_targets
from trialsmith.models.kernels.norming import add_norm, differentiate_norm
from trialsmith.models.kernels.product import multiply
from trialsmith.models.kernels.rows import clear, places_of
from trialsmith.models.kernels.team import Shared
from trialsmith.models.kernels.tiled_product import room_for_products


@Shared
@no_type_check
def convolve(k, shares, table, e, rows, product, m, bias, parts, eps, r, d, norm, new):
    """`sum_at_targets` of each chunk, from W e on, then the norm.

    The chunks are shares[k] … shares[k + 1] - 1. e[rows] are the links' features. m, r, d and,
    where the norm is known, new are written.
    """
    packed = room_for_products(product.parts)
    for c in range(shares[k], shares[k + 1]):
        a, b = table.links[c], table.links[c + 1]
        first, last = table.targets[c], table.targets[c + 1]
        x, source, weight = m[a:b], table.source[a:b], table.weight[a:b]
        if product.weight.size:
            multiply(e[a:b], False, product.weight, True, product.parts, m[:0], x, packed)
        elif product.products.size:
            for n in range(b - a):
                x[n] = product.products[rows[a + n]]
        starts = table.starts[first : last + 1] - a
        ours = r[first:last], d[first:last]
        sum_at_targets(x, bias, parts, source, first, starts, weight, eps, *ours)
        if norm.totals.size:
            norm.totals[c] = moments(x, norm.share[a:b], norm.means[c], norm.spreads[c])
        elif new.size:
            add_norm(e, rows[a:b], x, norm, a, new[a:b])


@Shared
@no_type_check
def differentiate(
    k, shares, table, e, rows, product, m, parts, dparts, dbias, dr, r, d, norm, dnew, room
):
    """`differentiate_gates` of each chunk, then the norm, `send` and the derivatives of W e.

    The chunks are shares[k] … shares[k + 1] - 1, and their targets the share's own rows of dparts.
    dparts, dbias and the sums of ``product`` are written, those of ``norm`` are added to. dnew is
    ē', empty if nothing reads e'. room is each share's for its longest chunk.
    """
    packed = room_for_products(product.parts)
    clear(k, dparts.sums, dparts.owned, dparts.others)
    dbias[k] = 0
    if product.dweight.size:
        product.dweight[k] = 0
    elif product.dproducts.size:
        clear(k, product.dproducts, product.owned, product.others)
        clear(k, product.dvalues, product.owned, product.others)
    for c in range(shares[k], shares[k + 1]):
        a, b = table.links[c], table.links[c + 1]
        first, last = table.targets[c], table.targets[c + 1]
        x, dm, weight = m[a:b], room[k, : b - a], table.weight[a:b]
        source, starts = table.source[a:b], table.starts[first : last + 1] - a
        of_sources = places_of(k, source, dparts.owned, dparts.before, dparts.behind)
        ours = dr[first:last], r[first:last], d[first:last]
        differentiate_gates(x, parts, source, of_sources, starts, weight, *ours, dm, dparts.sums)
        if dnew.size:
            differentiate_norm(dnew[a:b], x, norm, k, a, dm)
        send(dm, of_sources, first, starts, dparts.sums, dbias[k])
        if product.de.size:
            dweight, of = product.dweight[k], product.parts
            before = dnew[a:b] if dnew.size else dnew
            multiply(dm, True, e[a:b], False, of, dweight, dweight, packed)
            multiply(dm, False, product.weight, False, of, before, product.de[a:b], packed)
        elif product.dproducts.size:
            shared = places_of(k, rows[a:b], product.owned, product.before, product.behind)
            add_rows(dm, shared, product.dproducts)
            if dnew.size:
                add_rows(dnew[a:b], shared, product.dvalues)
