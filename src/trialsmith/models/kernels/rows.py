"""What is done to the features of one row, by several kernels alike.

What is written serves as scratch between the loops: it must be no part of what is read.
"""

from typing import no_type_check

from trialsmith.models.kernels.compiled import exponential, inlined


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
