"""What is done to the features of one row, by several kernels alike."""

from typing import no_type_check

from trialsmith.models.kernels.compiled import kernel, silu, silu_slope


@kernel
@no_type_check
def add_activated(e, x, scale, shift, out):
    """out = e + SiLU(scale x + shift)"""
    for h in range(len(x)):
        out[h] = e[h] + silu(scale[h] * x[h] + shift[h])


@kernel
@no_type_check
def before_silu(dz, x, scale, shift, dy):
    """ȳ = z̄ SiLU'(scale x + shift)"""
    for h in range(len(x)):
        dy[h] = dz[h] * silu_slope(scale[h] * x[h] + shift[h])


@kernel
@no_type_check
def add_product(total, x, y):
    """total += x ⊙ y"""
    for h in range(len(x)):
        total[h] += x[h] * y[h]
