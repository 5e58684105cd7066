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
    add_norm(e, rows[a:b], x[a:b], norm, out[a:b])


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
def add_norm(e, rows, x, norm, out):
    if norm.gamma.size:
        add_layer_normalised(e, rows, x, norm.gamma, norm.beta, norm.eps, out)
    else:
        add_normalised(e, rows, x, norm.scale, norm.shift, out)


@kernel
@no_type_check
def differentiate_norm(dz, x, norm, k, begin, dx):
    """Adds x̄ of the rows from ``begin`` on to dx, and what γ̄ and β̄ have of them to share k's."""
    if norm.gamma.size:
        line = norm.gamma, norm.beta, norm.eps
        differentiate_layer_normalised(dz, x, *line, dx, norm.dgamma[k], norm.dbeta[k])
    else:
        share = norm.share[begin : begin + len(x)]
        common = share, norm.constant, norm.slope
        differentiate_normalised(dz, x, norm.scale, norm.shift, *common, dx)
