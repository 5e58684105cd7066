"""What differs from one convolution to the next: the product of its links, and their norm.

Which step is taken is told by the type of its first argument, so that what is compiled has no
other; None: the step is left out. Rows a … b - 1 of the links are a chunk.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, no_type_check

from numba import types
from numba.extending import overload

from trialsmith.models.kernels.batch_norm import add_normalised, differentiate_normalised, moments
from trialsmith.models.kernels.blas import add_product
from trialsmith.models.kernels.gates import add_rows
from trialsmith.models.kernels.layer_norm import (
    add_layer_normalised,
    differentiate_layer_normalised,
)


class Multiplied(NamedTuple):
    """Every link's features are multiplied by W."""

    weight: Any


class Gathered(NamedTuple):
    """W e is had for each row of features; many links share one."""

    products: Any


class MultipliedBack(NamedTuple):
    """W̄ gathers in dweight; ē is written."""

    weight: Any
    dweight: Any
    de: Any


class GatheredBack(NamedTuple):
    """What comes back for each row of features gathers, from the row ``least`` on."""

    least: Any
    dproducts: Any
    dvalues: Any


class LayerNormed(NamedTuple):
    """Layer norm: e' is written."""

    weight: Any
    bias: Any
    eps: Any


class Scaled(NamedTuple):
    """Batch norm by known statistics: e' is written."""

    scale: Any
    shift: Any


class Observed(NamedTuple):
    """Batch norm whose statistics are still to be had: the moments of each chunk are written."""

    share: Any  # of each link
    totals: Any
    means: Any
    spreads: Any


class LayerNormedBack(NamedTuple):
    """γ̄ and β̄ gather in the last two."""

    weight: Any
    bias: Any
    eps: Any
    dweight: Any
    dbias: Any


class BatchNormedBack(NamedTuple):
    """Terms as in `differentiate_normalised`."""

    scale: Any
    shift: Any
    share: Any  # of each link
    constant: Any
    slope: Any


@no_type_check
def project(product, e, rows, a, b, x):
    """x = W e"""
    raise NotImplementedError


@no_type_check
def differentiate_product(product, e, rows, a, b, dm, dnew):
    """W̄ = Σ m̄ eᵀ, ē = ē' + Wᵀ m̄"""
    raise NotImplementedError


@no_type_check
def normalise(norm, chunk, e, rows, a, b, x, new):
    """e' = e + SiLU(Norm(x)), or what must be known before."""
    raise NotImplementedError


@no_type_check
def differentiate_norm(norm, a, b, dnew, x, dm):
    """m̄ += Norm'(SiLU'(ē'))"""
    raise NotImplementedError


@no_type_check
def _choose(step: Any, steps: dict[type, Callable[..., None]]) -> Callable[..., None] | None:
    if isinstance(step, types.BaseNamedTuple):
        return steps.get(step.instance_class)
    return steps[type(None)] if isinstance(step, types.NoneType) else None


@overload(project)
@no_type_check
def _project(product, e, rows, a, b, x):
    def multiplied(product, e, rows, a, b, x):
        add_product(e[a:b], product.weight.T, 0, x)

    def gathered(product, e, rows, a, b, x):
        for k in range(b - a):
            x[k] = product.products[rows[a + k]]

    def left_out(product, e, rows, a, b, x):
        return

    steps = {Multiplied: multiplied, Gathered: gathered, type(None): left_out}
    return _choose(product, steps)


@overload(differentiate_product)
@no_type_check
def _differentiate_product(product, e, rows, a, b, dm, dnew):
    def multiplied(product, e, rows, a, b, dm, dnew):
        add_product(dm.T, e[a:b], 1, product.dweight)
        de = product.de[a:b]
        if dnew is None:
            add_product(dm, product.weight, 0, de)
        else:
            de[:] = dnew[a:b]
            add_product(dm, product.weight, 1, de)

    def gathered(product, e, rows, a, b, dm, dnew):
        here = rows[a:b] - product.least
        add_rows(dm, here, product.dproducts)
        if dnew is not None:
            add_rows(dnew[a:b], here, product.dvalues)

    def left_out(product, e, rows, a, b, dm, dnew):
        return

    steps = {MultipliedBack: multiplied, GatheredBack: gathered, type(None): left_out}
    return _choose(product, steps)


@overload(normalise)
@no_type_check
def _normalise(norm, chunk, e, rows, a, b, x, new):
    def layer_normed(norm, chunk, e, rows, a, b, x, new):
        out = new[a:b]
        add_layer_normalised(e, rows[a:b], x, norm.weight, norm.bias, norm.eps, out)

    def scaled(norm, chunk, e, rows, a, b, x, new):
        add_normalised(e, rows[a:b], x, norm.scale, norm.shift, new[a:b])

    def observed(norm, chunk, e, rows, a, b, x, new):
        if b > a:
            mean, spread = norm.means[chunk], norm.spreads[chunk]
            norm.totals[chunk] = moments(x, norm.share[a:b], mean, spread)

    def left_out(norm, chunk, e, rows, a, b, x, new):
        return

    steps = {LayerNormed: layer_normed, Scaled: scaled, Observed: observed}
    return _choose(norm, {**steps, type(None): left_out})


@overload(differentiate_norm)
@no_type_check
def _differentiate_norm(norm, a, b, dnew, x, dm):
    def layer_normed(norm, a, b, dnew, x, dm):
        line, sums = (norm.weight, norm.bias, norm.eps), (norm.dweight, norm.dbias)
        differentiate_layer_normalised(dnew[a:b], x, *line, dm, *sums)

    def batch_normed(norm, a, b, dnew, x, dm):
        line, common = (norm.scale, norm.shift), (norm.constant, norm.slope)
        differentiate_normalised(dnew[a:b], x, *line, norm.share[a:b], *common, dm)

    def left_out(norm, a, b, dnew, x, dm):
        return

    steps = {LayerNormedBack: layer_normed, BatchNormedBack: batch_normed}
    return _choose(norm, {**steps, type(None): left_out})
