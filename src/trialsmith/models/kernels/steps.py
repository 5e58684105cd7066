"""What kernels are told of a convolution's steps: tuples of arrays.

Those of a step that is not taken are empty, but of the same kind: so one function is compiled for
all choices of products and norms, and not one for each.
"""

from functools import cache
from typing import Annotated, Any, NamedTuple, TypeVar, get_type_hints

import numpy as np

# How an empty one is made: its shape, and its type where that is not the features'.
Vector = Annotated[Any, (0,), None]
Table = Annotated[Any, (0, 0), None]
Tables = Annotated[Any, (0, 0, 0), None]
Indices = Annotated[Any, (0,), np.int64]
Scalar = Annotated[Any, (), None]
Count = Annotated[Any, (), np.int64]


class ChunkTable(NamedTuple):
    """Where chunks begin, and the links that they are cut from."""

    links: Any  # bounds of the chunks among the links,
    targets: Any  # and among the targets: one more than chunks
    source: Any  # of each link
    starts: Any  # of the links of each target
    weight: Any  # of each link


class RowTable(NamedTuple):
    """Sums by row, of which each belongs to a share; what other shares have for it, they sum up
    behind all rows.
    """

    sums: Any
    owned: Any  # where each share's rows begin, and the last's end
    others: Any  # where each share's sums of others' rows begin, and the last's end
    before: Any  # from a row that comes before a share's own to the place where it sums that up
    behind: Any  # from a row that comes after them


class Product(NamedTuple):
    """W e of each link: from W, or from the products of features that many links share."""

    weight: Table
    parts: Count  # of the factors, as `multiply` knows them
    products: Table


class ProductBack(NamedTuple):
    """W̄ is written for each share, and ē; or what comes back is summed for shared features, by
    rows as in a `RowTable`.
    """

    weight: Table
    parts: Count
    dweight: Tables
    de: Table
    dproducts: Table
    dvalues: Table
    owned: Indices
    others: Indices
    before: Indices
    behind: Indices


class Norming(NamedTuple):
    """Layer norm; batch norm whose line scale x + shift is known; or what its moments go to."""

    gamma: Vector
    beta: Vector
    eps: Scalar
    row_means: Vector  # of the features of each row, written,
    row_inverses: Vector  # and 1 / √(σ² + ε)
    scale: Vector
    shift: Vector
    share: Vector  # of each row in the mean
    totals: Vector  # of each chunk, as the others
    means: Table
    spreads: Table


class NormingBack(NamedTuple):
    """Layer norm, with what gathers γ̄ and β̄ in a row for each share of the work; or the terms of
    `differentiate_normalised`.
    """

    gamma: Vector
    beta: Vector
    row_means: Vector
    row_inverses: Vector
    dgamma: Table
    dbeta: Table
    scale: Vector
    shift: Vector
    share: Vector  # of each row in the mean
    constant: Vector
    slope: Vector


Step = TypeVar("Step", Product, ProductBack, Norming, NormingBack)


_KINDS = {
    of.__name__: {
        name: hint.__metadata__ for name, hint in get_type_hints(of, include_extras=True).items()
    }
    for of in (Product, ProductBack, Norming, NormingBack)
}


def step(of: type[Step], like: np.ndarray, **given: Any) -> Step:
    """A tuple from above for numbers of the type of ``like``; what is not given is empty."""
    return of(**_nothing(of.__name__, like.dtype) | given)


@cache
def _nothing(name_of_step: str, type_of_features: np.dtype) -> dict[str, Any]:
    return {
        name: np.zeros(shape, type_ or type_of_features)[()]
        for name, (shape, type_) in _KINDS[name_of_step].items()
    }
