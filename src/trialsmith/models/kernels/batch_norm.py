"""Batch norm and SiLU of rows that come in chunks; the equations are `BatchNormActivation`'s."""

from typing import no_type_check

import numpy as np

from trialsmith.models.kernels.ahead import ask_for_row_after
from trialsmith.models.kernels.compiled import inlined, kernel
from trialsmith.models.kernels.rows import add_activated, before_silu


@kernel
@no_type_check
def moments(x, share, mean, spread):
    """Returns S = Σₙ shareₙ; mean = Σₙ shareₙ xₙ / S, spread = Σₙ shareₙ (xₙ - mean)²."""
    total = share.sum()
    mean[:] = 0
    spread[:] = 0
    for k in range(len(x)):
        _add_scaled(mean, share[k] / total, x[k])
    for k in range(len(x)):
        _add_square(spread, share[k], x[k], mean)
    return total


@kernel
@no_type_check
def add_normalised(e, rows, x, scale, shift, out):
    """outₙ = e[rowsₙ] + SiLU(scale xₙ + shift)"""
    for k in range(len(x)):
        add_activated(e[rows[k]], x[k], scale, shift, out[k])


@kernel
@no_type_check
def collect_sums(dz, x, scale, shift, mean, total, moment):
    """With ȳ = z̄ SiLU'(scale x + shift):  total += Σₙ ȳ,  moment += Σₙ ȳ (x - mean)."""
    dy = np.empty_like(total)
    for k in range(len(x)):
        ask_for_row_after(dz, k)
        ask_for_row_after(x, k)
        before_silu(dz[k], x[k], scale, shift, dy)
        _add_with_moment(dy, x[k], mean, total, moment)


@kernel
@no_type_check
def differentiate_normalised(dz, x, scale, shift, share, constant, slope, dx):
    """x̄ₙ += scale (ȳₙ - shareₙ (constant + slope xₙ)); dx holds what else x̄ has."""
    dy = np.empty_like(scale)
    for k in range(len(x)):
        ask_for_row_after(dz, k)
        before_silu(dz[k], x[k], scale, shift, dy)
        _take_common(dy, x[k], share[k], constant, slope)
        _add_product(dx[k], dy, scale)


@inlined
@no_type_check
def _add_scaled(total, factor, x):
    for h in range(len(x)):
        total[h] += factor * x[h]


@inlined
@no_type_check
def _add_square(total, factor, x, mean):
    for h in range(len(x)):
        total[h] += factor * (x[h] - mean[h]) ** 2


@inlined
@no_type_check
def _add_with_moment(dy, x, mean, total, moment):
    for h in range(len(x)):
        total[h] += dy[h]
        moment[h] += dy[h] * (x[h] - mean[h])


@inlined
@no_type_check
def _take_common(dy, x, share, constant, slope):
    for h in range(len(x)):
        dy[h] -= share * (constant[h] + slope[h] * x[h])


@inlined
@no_type_check
def _add_product(total, x, y):
    """total += x ⊙ y"""
    for h in range(len(x)):
        total[h] += x[h] * y[h]
