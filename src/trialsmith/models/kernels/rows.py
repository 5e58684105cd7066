"""What several kernels do alike, to the features of one row or to sums by row.

What is written serves as scratch between the loops: it must be no part of what is read.
"""

from typing import no_type_check

import numpy as np

from trialsmith.models.kernels.compiled import exponential, inlined, kernel


@inlined
@no_type_check
def add_activated(e, x, scale, shift, out):
    """out = e + SiLU(scale x + shift)"""
    one = type(x[0])(1)
    for h in range(len(x)):
        out[h] = exponential(-(scale[h] * x[h] + shift[h]))
    for h in range(len(x)):
        out[h] = e[h] + (scale[h] * x[h] + shift[h]) / (one + out[h])


@inlined
@no_type_check
def before_silu(dz, x, scale, shift, dy):
    """ȳ = z̄ SiLU'(scale x + shift)"""
    one = type(x[0])(1)
    for h in range(len(x)):
        dy[h] = exponential(-(scale[h] * x[h] + shift[h]))
    for h in range(len(x)):
        y = scale[h] * x[h] + shift[h]
        gate = one / (one + dy[h])
        dy[h] = dz[h] * (gate * (one + y * (one - gate)))


@inlined
@no_type_check
def add_to(total, x):
    for h in range(len(total)):
        total[h] += x[h]


@kernel
@no_type_check
def clear(k, sums, owned, others):
    """The sums of share k in a `RowTable`."""
    sums[owned[k] : owned[k + 1]] = 0
    sums[others[k] : others[k + 1]] = 0


@kernel
@no_type_check
def places_of(k, rows, owned, before, behind):
    """Where share k sums up what is of these rows, in a `RowTable`."""
    place = np.empty(len(rows), np.int64)
    for n in range(len(rows)):
        row = rows[n]
        if row < owned[k]:
            place[n] = row + before[k]
        elif row < owned[k + 1]:
            place[n] = row
        else:
            place[n] = row + behind[k]
    return place
