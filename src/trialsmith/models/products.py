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
from trialsmith.models.chunks import Chunks, span
from trialsmith.models.shares import RowSums, length


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

    Backwards every share of the chunks has sums of its own.
    """

    values: Float[np.ndarray, "rows hidden"]  # of e,
    rows: Int[np.ndarray, "links"]  # and for each link the row that it has

    def held(self, share: range) -> int:
        """Rows of sums, but for those by W, that a share has."""
        return 0

    @abstractmethod
    def forwards(self) -> kernels.Product:
        """How a kernel has W e."""

    @abstractmethod
    def backwards(self, shares: Sequence[range]) -> kernels.ProductBack:
        """Room for the sums of each share, and how a kernel writes them."""

    @abstractmethod
    def derivatives(self) -> tuple[Float[Tensor, "rows hidden"], Float[Tensor, "hidden hidden"]]:
        """The derivatives by the features that were given and by W, when the kernel has written."""


def products_of(
    e: Tensor, rows: Tensor | None, weight: Tensor, type_: torch.dtype, chunks: Chunks
) -> Products:
    """Of each row of ``e``, or of ``Repeated(e, rows)``.

    Args:
        type_: in which products are computed: e's, or bfloat16 with sums in e's. Other types are
            for features that links share, and else count as e's.
    """
    e, weight = e.detach().contiguous(), weight.detach()
    if rows is not None:
        return ProductsOfDistinct(e, rows, weight.to(type_).contiguous(), chunks)
    narrow = type_ == torch.bfloat16
    return ProductsOfEach(e, weight.to(type_ if narrow else e.dtype).contiguous())


class ProductsOfEach(Products):
    """One product a link."""

    def __init__(self, e: Float[Tensor, "links hidden"], weight: Tensor) -> None:
        self._e = e
        self.values, self.rows = e.numpy(), np.arange(len(e))
        if weight.dtype == torch.bfloat16:
            self._weight = {"narrow_weight": weight.view(torch.uint16).numpy()}
        else:
            self._weight = {"weight": weight.numpy()}

    def forwards(self) -> kernels.Product:
        return kernels.step(kernels.Product, self.values, **self._weight)

    def backwards(self, shares: Sequence[range]) -> kernels.ProductBack:
        width = self._e.shape[1]
        self._de = torch.empty_like(self._e)  # every chunk writes rows of its own
        self._dweight = self._e.new_empty(len(shares), width, width)
        given = {**self._weight, "dweight": self._dweight.numpy(), "de": self._de.numpy()}
        return kernels.step(kernels.ProductBack, self.values, **given)

    def derivatives(self) -> tuple[Float[Tensor, "rows hidden"], Float[Tensor, "hidden hidden"]]:
        return self._de, self._dweight.sum(0)


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
        return 2 * length(self._span(share))

    def _span(self, share: range) -> slice:
        return span(self.rows[self._chunks.links(share)])

    def backwards(self, shares: Sequence[range]) -> kernels.ProductBack:
        spans = [self._span(share) for share in shares]
        self._dproducts, self._dvalues = (RowSums.room(self._values, spans) for _ in range(2))
        dproducts, ends, least = self._dproducts.table
        dvalues, *_ = self._dvalues.table
        given = {"dproducts": dproducts, "dvalues": dvalues, "ends": ends, "least": least}
        return kernels.step(kernels.ProductBack, self.values, **given)

    def derivatives(self) -> tuple[Float[Tensor, "rows hidden"], Float[Tensor, "hidden hidden"]]:
        dm = self._dproducts.total().to(self._weight.dtype)
        dweight = dm.t() @ self._values.to(dm.dtype)
        return self._dvalues.total().add_(dm @ self._weight), dweight.to(self._values.dtype)
