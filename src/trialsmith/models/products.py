"""W e for the features e of links that come in chunks, and its derivatives."""

from abc import ABC, abstractmethod
from functools import cached_property
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
    """W e of links, and its derivatives, a chunk at a time.

    Backwards every thread takes its chunks into accumulators of its own, which are summed.
    """

    def begin(self) -> None:
        """Before any chunk is projected: what all threads can compute together."""
        return

    @abstractmethod
    def features(self, links: slice) -> tuple[np.ndarray, np.ndarray]:
        """e of a chunk: values, and for each link the row that it has."""

    @abstractmethod
    def project(self, links: slice, out: Float[Tensor, "chunk hidden"]) -> None:
        """Writes W e of a chunk to ``out``."""

    @abstractmethod
    def accumulators(self) -> tuple[Tensor, ...]:
        """Zeros, for some of the chunks."""

    @abstractmethod
    def collect(
        self, into: tuple[Tensor, ...], links: slice, dm: Tensor, de: Tensor | None
    ) -> None:
        """Takes in the derivatives of a chunk: by W e, and what e has from elsewhere."""

    @abstractmethod
    def derivatives(
        self, sums: tuple[Tensor, ...]
    ) -> tuple[Float[Tensor, "rows hidden"], Float[Tensor, "hidden hidden"]]:
        """The derivatives by the features that were given and by W, from all accumulators."""


def products_of(e: Tensor, rows: Tensor | None, weight: Tensor) -> Products:
    """Of each row of ``e``, or of ``Repeated(e, rows)``; in the type of W, perhaps narrower."""
    return ProductsOfEach(e, weight) if rows is None else ProductsOfDistinct(e, rows, weight)


class ProductsOfEach(Products):
    """One product a link."""

    def __init__(self, e: Float[Tensor, "links hidden"], weight: Tensor) -> None:
        self._e, self._weight = e, weight

    @cached_property
    def _de(self) -> Tensor:  # every chunk writes rows of its own
        return torch.empty_like(self._e)

    def features(self, links: slice) -> tuple[np.ndarray, np.ndarray]:
        return self._e[links].numpy(), np.arange(links.stop - links.start)

    def project(self, links: slice, out: Float[Tensor, "chunk hidden"]) -> None:
        _product(self._e[links], self._weight.t(), out)

    def accumulators(self) -> tuple[Tensor, ...]:
        return (torch.zeros_like(self._weight, dtype=self._e.dtype),)

    def collect(
        self, into: tuple[Tensor, ...], links: slice, dm: Tensor, de: Tensor | None
    ) -> None:
        (dweight,) = into
        dm = dm.to(self._weight.dtype)
        e = self._e[links].to(dm.dtype)
        if dm.dtype == dweight.dtype:
            dweight.addmm_(dm.t(), e)
        else:
            dweight += dm.t() @ e
        out = self._de[links]
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
        self, values: Float[Tensor, "distinct hidden"], rows: Int[Tensor, "links"], weight: Tensor
    ) -> None:
        self._values, self._rows, self._weight = values, rows, weight

    def begin(self) -> None:
        products = linear(self._values.to(self._weight.dtype), self._weight)
        self._products = products.to(self._values.dtype)

    def features(self, links: slice) -> tuple[np.ndarray, np.ndarray]:
        return self._values.numpy(), self._rows[links].numpy()

    def project(self, links: slice, out: Float[Tensor, "chunk hidden"]) -> None:
        torch.index_select(self._products, 0, self._rows[links], out=out)

    def accumulators(self) -> tuple[Tensor, ...]:
        return torch.zeros_like(self._values), torch.zeros_like(self._values)

    def collect(
        self, into: tuple[Tensor, ...], links: slice, dm: Tensor, de: Tensor | None
    ) -> None:
        rows = self._rows[links].numpy()
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
