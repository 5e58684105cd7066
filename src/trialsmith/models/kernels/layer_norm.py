"""Layer norm and SiLU of rows: with x̂ = (x - μ) / √(σ² + ε) of each row and y = γ x̂ + β,

    z = SiLU(y),   ȳ = z̄ SiLU'(y),   x̄ = (g - ⟨g⟩ - x̂ ⟨g x̂⟩) / √(σ² + ε) with g = γ ȳ

where ⟨·⟩ is the mean over the row's features. J. L. Ba, J. R. Kiros, G. E. Hinton, arXiv
1607.06450.
"""

from typing import no_type_check

import numpy as np

from trialsmith.models.kernels.compiled import inlined, kernel
from trialsmith.models.kernels.rows import add_activated, before_silu


@kernel
@no_type_check
def add_layer_normalised(e, rows, x, weight, bias, eps, out):
    """outₙ = e[rowsₙ] + SiLU(yₙ)"""
    hat = np.empty_like(weight)
    for k in range(len(x)):
        _standardise(x[k], eps, hat)
        add_activated(e[rows[k]], hat, weight, bias, out[k])


@kernel
@no_type_check
def differentiate_layer_normalised(dz, x, weight, bias, eps, dx, dweight, dbias):
    """x̄ is added to dx, Σₙ ȳ x̂ to dweight and Σₙ ȳ to dbias."""
    hat, dy = np.empty_like(weight), np.empty_like(weight)
    for k in range(len(x)):
        inverse = _standardise(x[k], eps, hat)
        before_silu(dz[k], hat, weight, bias, dy)
        _add_parameters(dy, hat, dweight, dbias)
        _add_centred(dy, hat, weight, inverse, dx[k])


@inlined
@no_type_check
def _standardise(x, eps, hat):
    """Returns 1 / √(σ² + ε)."""
    total = x[0] - x[0]
    for h in range(len(x)):
        total += x[h]
    mean = total / type(total)(len(x))
    square = mean - mean
    for h in range(len(x)):
        hat[h] = x[h] - mean
        square += hat[h] ** 2
    inverse = type(total)(1) / np.sqrt(square / type(total)(len(x)) + eps)
    for h in range(len(x)):
        hat[h] *= inverse
    return inverse


@inlined
@no_type_check
def _add_parameters(dy, hat, dweight, dbias):
    for h in range(len(hat)):
        dweight[h] += dy[h] * hat[h]
        dbias[h] += dy[h]


@inlined
@no_type_check
def _add_centred(dy, hat, weight, inverse, dx):
    mean = dy[0] - dy[0]
    slope = mean
    for h in range(len(hat)):
        g = weight[h] * dy[h]
        mean += g
        slope += g * hat[h]
    mean /= type(mean)(len(hat))
    slope /= type(mean)(len(hat))
    for h in range(len(hat)):
        dx[h] += inverse * (weight[h] * dy[h] - mean - hat[h] * slope)
