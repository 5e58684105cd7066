"""W e for the features e of links that come in chunks, and its derivatives."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import linear

from trialsmith.models import kernels
from trialsmith.models.chunks import Chunks, span
from trialsmith.models.shares import RowSums, in_all_rows, summed


class Repeated(NamedTuple):
    """Features of links of which many are equal: link n has ``values[rows[n]]``.

    What depends on an angle's cosine or a bond's length alone is the same for two to ten angles or
    bonds of a batch, and is computed once for them.
    """

    values: Float[Tensor, "distinct hidden"]
    rows: Int[Tensor, "links"]


def expanded(e: Tensor | Repeated) -> Float[Tensor, "links hidden"]:
    """A row for each link."""
    return e if isinstance(e, Tensor) else e.values.index_select(0, e.rows)


class Products(ABC):
    """W e of links, and its derivatives.

    Kernels compute them where they know the type of the factors. Where they do not, they take a
    chunk at a time, which is projected before and collected after. Backwards every share of the
    chunks has sums of its own.
    """

    values: Float[np.ndarray, "rows hidden"]  # of e,
    rows: Int[np.ndarray, "links"]  # and for each link the row that it has
    in_kernels = True

    def together(self, share: range) -> list[range]:
        """The chunks that a kernel takes at a time."""
        return [share] if self.in_kernels else [range(n, n + 1) for n in share]

    def held(self, share: range) -> int:
        """Rows of sums, but for those by W, that a share has."""
        return 0

    @abstractmethod
    def forwards(self) -> kernels.Product:
        """How a kernel has W e."""

    def begin_backwards(self) -> None:
        """Before any share goes backwards."""
        return

    @abstractmethod
    def sums(self, share: range) -> Any:
        """Zeros, for some of the chunks."""

    @abstractmethod
    def backwards(self, sums: Any) -> kernels.ProductBack:
        """How a kernel adds derivatives to the sums of a share."""

    @abstractmethod
    def derivatives(
        self, shares: Sequence[Any]
    ) -> tuple[Float[Tensor, "rows hidden"], Float[Tensor, "hidden hidden"]]:
        """The derivatives by the features that were given and by W, from the sums of all shares."""

    def project(self, chunk: int, out: Float[Tensor, "chunk hidden"]) -> None:
        """Writes W e of a chunk to ``out``."""
        raise NotImplementedError

    def collect(self, sums: Any, chunk: int, dm: Tensor, de: Tensor | None) -> None:
        """Takes in the derivatives of a chunk: by W e, and what e has from elsewhere."""
        raise NotImplementedError


def products_of(
    e: Tensor, rows: Tensor | None, weight: Tensor, type_: torch.dtype, chunks: Chunks
) -> Products:
    """Of each row of ``e``, or of ``Repeated(e, rows)``.

    Args:
        type_: in which products are computed, perhaps narrower than e's.
    """
    e, weight = e.detach().contiguous(), weight.detach().to(type_).contiguous()
    if rows is not None:
        return ProductsOfDistinct(e, rows, weight, chunks)
    return (ProductsOfEach if type_ == e.dtype else NarrowProducts)(e, weight, chunks)


class ProductsOfEach(Products):
    """One product a link."""

    def __init__(self, e: Float[Tensor, "links hidden"], weight: Tensor, chunks: Chunks) -> None:
        self._e, self._weight, self._chunks = e, weight, chunks
        self.values, self.rows = e.numpy(), np.arange(len(e))

    def forwards(self) -> kernels.Product:
        return kernels.step(kernels.Product, self.values, weight=self._weight.numpy())

    def begin_backwards(self) -> None:
        self._de = torch.empty_like(self._e)  # every chunk writes rows of its own

    def sums(self, share: range) -> Tensor:
        return torch.zeros_like(self._weight, dtype=self._e.dtype)

    def backwards(self, sums: Tensor) -> kernels.ProductBack:
        arrays = {"weight": self._weight, "dweight": sums, "de": self._de}
        given = {name: array.numpy() for name, array in arrays.items()}
        return kernels.step(kernels.ProductBack, self.values, **given)

    def derivatives(
        self, shares: Sequence[Tensor]
    ) -> tuple[Float[Tensor, "rows hidden"], Float[Tensor, "hidden hidden"]]:
        (dweight,) = summed([(share,) for share in shares])
        return self._de, dweight


class NarrowProducts(ProductsOfEach):
    """One product a link, in a type that PyTorch multiplies and kernels do not know."""

    in_kernels = False

    def forwards(self) -> kernels.Product:
        return kernels.step(kernels.Product, self.values)

    def project(self, chunk: int, out: Float[Tensor, "chunk hidden"]) -> None:
        e = self._e[self._chunks.slices[chunk]]
        out.copy_(linear(e.to(self._weight.dtype), self._weight))

    def backwards(self, sums: Tensor) -> kernels.ProductBack:
        return kernels.step(kernels.ProductBack, self.values)

    def collect(self, sums: Tensor, chunk: int, dm: Tensor, de: Tensor | None) -> None:
        e, out = (x[self._chunks.slices[chunk]] for x in (self._e, self._de))
        narrow = dm.to(self._weight.dtype)
        sums += narrow.t() @ e.to(narrow.dtype)
        out.copy_(narrow @ self._weight)
        if de is not None:
            out += de


class ProductsOfDistinct(Products):
    """One product for all links of equal features."""

    def __init__(
        self,
        values: Float[Tensor, "distinct hidden"],
        rows: Int[Tensor, "links"],
        weight: Tensor,
        chunks: Chunks,
    ) -> None:
        self._values, self._weight, self._chunks = values, weight, chunks
        self.values, self.rows = values.numpy(), rows.numpy()

    def forwards(self) -> kernels.Product:
        products = linear(self._values.to(self._weight.dtype), self._weight)
        given = products.to(self._values.dtype).numpy()
        return kernels.step(kernels.Product, self.values, products=given)

    def held(self, share: range) -> int:
        rows = self._span(share)
        return 2 * (rows.stop - rows.start)

    def _span(self, share: range) -> slice:
        return span(self.rows[self._chunks.links(share)])

    def sums(self, share: range) -> tuple[RowSums, RowSums]:
        rows = self._span(share)
        return RowSums.zeros(self._values, rows, share), RowSums.zeros(self._values, rows, share)

    def backwards(self, sums: tuple[RowSums, RowSums]) -> kernels.ProductBack:
        dproducts, dvalues = sums
        given = {"dproducts": dproducts.sums.numpy(), "dvalues": dvalues.sums.numpy()}
        least = dproducts.rows.start
        return kernels.step(kernels.ProductBack, self.values, least=least, **given)

    def derivatives(
        self, shares: Sequence[tuple[RowSums, RowSums]]
    ) -> tuple[Float[Tensor, "rows hidden"], Float[Tensor, "hidden hidden"]]:
        dproducts, dvalues = (in_all_rows(each) for each in zip(*shares, strict=True))
        dm = dproducts.to(self._weight.dtype)
        dweight = dm.t() @ self._values.to(dm.dtype)
        return dvalues.add_(dm @ self._weight), dweight.to(self._values.dtype)
