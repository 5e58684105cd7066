"""Norm and SiLU of rows in chunks, whichever norm it is; for members, and for links that wait for
the statistics of all.

Share k has the chunks shares[k] … shares[k + 1] - 1; chunk c has the rows bounds[c] …
bounds[c + 1] - 1.
"""

from typing import no_type_check

from trialsmith.models.kernels.batch_norm import (
    add_normalised,
    collect_sums,
    differentiate_normalised,
    moments,
)
from trialsmith.models.kernels.compiled import kernel
from trialsmith.models.kernels.layer_norm import (
    add_layer_normalised,
    differentiate_layer_normalised,
    observe_rows,
)
from trialsmith.models.kernels.team import Shared


@Shared
@no_type_check
def observe(k, shares, bounds, x, norm):
    """The moments of each chunk."""
    for c in range(shares[k], shares[k + 1]):
        a, b = bounds[c], bounds[c + 1]
        norm.totals[c] = moments(x[a:b], norm.share[a:b], norm.means[c], norm.spreads[c])


@Shared
@no_type_check
def activate(k, shares, bounds, e, rows, x, norm, out):
    """outₙ = e[rowsₙ] + SiLU(Norm(xₙ))"""
    a, b = bounds[shares[k]], bounds[shares[k + 1]]
    add_norm(e, rows[a:b], x[a:b], norm, a, out[a:b])


@Shared
@no_type_check
def collect(k, shares, bounds, dz, x, line, totals, moments_of_shares):
    """`collect_sums` of each share."""
    a, b = bounds[shares[k]], bounds[shares[k + 1]]
    scale, shift, mean = line
    collect_sums(dz[a:b], x[a:b], scale, shift, mean, totals[k], moments_of_shares[k])


@Shared
@no_type_check
def differentiate_members(k, shares, bounds, dz, x, norm, dx):
    """x̄ is written, and the sums of ``norm`` are added to."""
    a, b = bounds[shares[k]], bounds[shares[k + 1]]
    dx[a:b] = 0
    differentiate_norm(dz[a:b], x[a:b], norm, k, a, dx[a:b])


@kernel
@no_type_check
def add_norm(e, rows, x, norm, begin, out):
    """out = e[rows] + SiLU(Norm(x)) of the rows from ``begin`` on."""
    if norm.gamma.size:
        here = slice(begin, begin + len(x))
        means, inverses = norm.row_means[here], norm.row_inverses[here]
        observe_rows(x, norm.eps, means, inverses)
        add_layer_normalised(e, rows, x, norm.gamma, norm.beta, means, inverses, out)
    else:
        add_normalised(e, rows, x, norm.scale, norm.shift, out)


@kernel
@no_type_check
def differentiate_norm(dz, x, norm, k, begin, dx):
    """Adds x̄ of the rows from ``begin`` on to dx, and what γ̄ and β̄ have of them to share k's."""
    here = slice(begin, begin + len(x))
    if norm.gamma.size:
        known = norm.gamma, norm.beta, norm.row_means[here], norm.row_inverses[here]
        differentiate_layer_normalised(dz, x, *known, dx, norm.dgamma[k], norm.dbeta[k])
    else:
        share = norm.share[here]
        common = share, norm.constant, norm.slope
        differentiate_normalised(dz, x, norm.scale, norm.shift, *common, dx)
