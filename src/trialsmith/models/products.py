"""W e for the features e of links that come in chunks, and its derivatives."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import linear

from trialsmith.models import kernels


class Repeated(NamedTuple):
    """Features of links of which many are equal: link n has ``values[rows[n]]``.

    What depends on an angle's cosine alone is the same for two to ten angles of a batch, and is
    computed once for them.
    """

    values: Float[Tensor, "distinct hidden"]
    rows: Int[Tensor, "links"]


def expanded(e: Tensor | Repeated) -> Float[Tensor, "links hidden"]:
    """A row for each link."""
    return e if isinstance(e, Tensor) else e.values.index_select(0, e.rows)


class Products(ABC):
    """W e of links, and its derivatives, a chunk at a time; chunks are called by their numbers.

    Backwards every thread takes its chunks into accumulators of its own, which are summed.
    """

    def begin(self) -> None:
        """Before any chunk is projected: what all threads can compute together."""
        return

    @abstractmethod
    def features(self, chunk: int) -> tuple[np.ndarray, np.ndarray]:
        """e of a chunk: values, and for each link the row that it has."""

    @abstractmethod
    def project(self, chunk: int, out: Float[Tensor, "chunk hidden"]) -> None:
        """Writes W e of a chunk to ``out``."""

    def begin_backwards(self) -> None:
        """Before any chunk is collected."""
        return

    @abstractmethod
    def accumulators(self) -> tuple[Tensor, ...]:
        """Zeros, for some of the chunks."""

    @abstractmethod
    def collect(self, into: tuple[Tensor, ...], chunk: int, dm: Tensor, de: Tensor | None) -> None:
        """Takes in the derivatives of a chunk: by W e, and what e has from elsewhere."""

    @abstractmethod
    def derivatives(
        self, sums: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, "rows hidden"], Float[Tensor, "hidden hidden"]]:
        """The derivatives by the features that were given and by W, from all accumulators."""


def products_of(
    e: Tensor, rows: Tensor | None, weight: Tensor, type_: torch.dtype, sizes: Sequence[int]
) -> Products:
    """Of each row of ``e``, or of ``Repeated(e, rows)``.

    Args:
        type_: in which products are computed, perhaps narrower than e's.
        sizes: links in each chunk, in their order.
    """
    e, weight = e.detach().contiguous(), weight.detach().to(type_)
    if rows is None:
        return ProductsOfEach(e, weight, sizes)
    return ProductsOfDistinct(e, rows, weight, sizes)


class ProductsOfEach(Products):
    """One product a link."""

    def __init__(
        self, e: Float[Tensor, "links hidden"], weight: Tensor, sizes: Sequence[int]
    ) -> None:
        self._e, self._weight, self._transposed = e, weight, weight.t()
        self._sizes = list(sizes)
        self._chunks = e.split(self._sizes)
        self._order = np.arange(max(sizes, default=0))

    def features(self, chunk: int) -> tuple[np.ndarray, np.ndarray]:
        return self._chunks[chunk].numpy(), self._order[: self._sizes[chunk]]

    def project(self, chunk: int, out: Float[Tensor, "chunk hidden"]) -> None:
        _product(self._chunks[chunk], self._transposed, out)

    def begin_backwards(self) -> None:
        self._de = torch.empty_like(self._e)
        self._dchunks = self._de.split(self._sizes)  # every chunk writes rows of its own

    def accumulators(self) -> tuple[Tensor, ...]:
        return (torch.zeros_like(self._weight, dtype=self._e.dtype),)

    def collect(self, into: tuple[Tensor, ...], chunk: int, dm: Tensor, de: Tensor | None) -> None:
        (dweight,) = into
        e, out = self._chunks[chunk], self._dchunks[chunk]
        if self._weight.dtype == self._e.dtype:
            dweight.addmm_(dm.t(), e)
        else:
            dm = dm.to(self._weight.dtype)
            dweight += dm.t() @ e.to(dm.dtype)
        _product(dm, self._weight, out)
        if de is not None:
            out += de

    def derivatives(
        self, sums: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, "rows hidden"], Float[Tensor, "hidden hidden"]]:
        return self._de, sums[0]


class ProductsOfDistinct(Products):
    """One product for all links of equal features."""

    def __init__(
        self,
        values: Float[Tensor, "distinct hidden"],
        rows: Int[Tensor, "links"],
        weight: Tensor,
        sizes: Sequence[int],
    ) -> None:
        self._values, self._weight = values, weight
        self._rows = rows.split(list(sizes))

    def begin(self) -> None:
        products = linear(self._values.to(self._weight.dtype), self._weight)
        self._products = products.to(self._values.dtype)

    def features(self, chunk: int) -> tuple[np.ndarray, np.ndarray]:
        return self._values.numpy(), self._rows[chunk].numpy()

    def project(self, chunk: int, out: Float[Tensor, "chunk hidden"]) -> None:
        torch.index_select(self._products, 0, self._rows[chunk], out=out)

    def accumulators(self) -> tuple[Tensor, ...]:
        return torch.zeros_like(self._values), torch.zeros_like(self._values)

    def collect(self, into: tuple[Tensor, ...], chunk: int, dm: Tensor, de: Tensor | None) -> None:
        rows = self._rows[chunk].numpy()
        dproducts, dvalues = into
        kernels.add_rows(dm.numpy(), rows, dproducts.numpy())
        if de is not None:
            kernels.add_rows(de.numpy(), rows, dvalues.numpy())

    def derivatives(
        self, sums: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, "rows hidden"], Float[Tensor, "hidden hidden"]]:
        dproducts, dvalues = sums
        dm = dproducts.to(self._weight.dtype)
        dweight = dm.t() @ self._values.to(dm.dtype)
        return dvalues.add_(dm @ self._weight), dweight.to(self._values.dtype)


def _product(x: Tensor, y: Tensor, out: Tensor) -> None:
    """x y in the type of y, written to ``out``."""
    if y.dtype == out.dtype:
        torch.mm(x, y, out=out)
    else:
        out.copy_(x.to(y.dtype) @ y)
