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
from trialsmith.models.linear import derivatives_of, mapped
from trialsmith.models.shares import RowLayout, length, over_shares


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

    Backwards every share of the chunks has sums of W̄ of its own, or sums by row.
    """

    values: Float[np.ndarray, "rows hidden"]  # of e,
    rows: Int[np.ndarray, "links"]  # and for each link the row that it has

    def held(self, share: range) -> int:
        """Rows of sums, but for those by W, that a share has at most."""
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
    e: Tensor, rows: Tensor | None, weight: Tensor, parts: int, chunks: Chunks
) -> Products:
    """Of each row of ``e``, or of ``Repeated(e, rows)``.

    Args:
        parts: numbers of bfloat16 for each factor, as of `parts_of_factors`.
    """
    e, weight = e.detach().contiguous(), weight.detach().to(e.dtype).contiguous()
    if rows is None:
        return ProductsOfEach(e, weight, parts, chunks)
    return ProductsOfDistinct(e, rows, weight, parts, chunks)


class ProductsOfEach(Products):
    """One product a link."""

    def __init__(
        self, e: Float[Tensor, "links hidden"], weight: Tensor, parts: int, chunks: Chunks
    ) -> None:
        self._e = e
        self.values, self.rows = e.numpy(), chunks.rows
        self._weight = {"weight": weight.numpy(), "parts": np.int64(parts)}

    def forwards(self) -> kernels.Product:
        return kernels.step(kernels.Product, self.values, **self._weight)

    def backwards(self, shares: Sequence[range]) -> kernels.ProductBack:
        width = self._e.shape[1]
        self._de = torch.empty_like(self._e)  # every chunk writes rows of its own
        self._dweight = self._e.new_empty(len(shares), width, width)
        given = {**self._weight, "dweight": self._dweight.numpy(), "de": self._de.numpy()}
        return kernels.step(kernels.ProductBack, self.values, **given)

    def derivatives(self) -> tuple[Float[Tensor, "rows hidden"], Float[Tensor, "hidden hidden"]]:
        return self._de, over_shares(self._dweight)


class ProductsOfDistinct(Products):
    """One product for all links of equal features."""

    def __init__(
        self,
        values: Float[Tensor, "distinct hidden"],
        rows: Int[Tensor, "links"],
        weight: Float[Tensor, "hidden hidden"],
        parts: int,
        chunks: Chunks,
    ) -> None:
        self._values, self._weight, self._chunks = values, weight, chunks
        self._parts = parts
        self.values, self.rows = values.numpy(), rows.numpy()

    def forwards(self) -> kernels.Product:
        if self._parts:
            products = mapped(self._values, self._weight, self._parts)
        else:
            products = linear(self._values, self._weight)
        return kernels.step(kernels.Product, self.values, products=products.numpy())

    def held(self, share: range) -> int:
        return 2 * length(self._span(share))

    def _span(self, share: range) -> slice:
        return span(self.rows[self._chunks.links(share)])

    def backwards(self, shares: Sequence[range]) -> kernels.ProductBack:
        spans = [self._span(share) for share in shares]
        # each share's are those that no share before it has: few others, where values stand as they
        # first come
        ends = np.maximum.accumulate([0, *(span.stop for span in spans)])
        owned = np.append(ends[:-1], len(self._values))
        layout = RowLayout.of(owned, spans)
        self._dproducts, self._dvalues = (layout.room(self._values) for _ in range(2))
        sums = {"dproducts": self._dproducts.sums.numpy(), "dvalues": self._dvalues.sums.numpy()}
        return kernels.step(kernels.ProductBack, self.values, **sums, **layout.places)

    def derivatives(self) -> tuple[Float[Tensor, "rows hidden"], Float[Tensor, "hidden hidden"]]:
        dm, de = self._dproducts.total(), self._dvalues.total()
        if not self._parts:
            return torch.addmm(de, dm, self._weight), dm.t() @ self._values
        of_products, dweight, _ = derivatives_of(dm, self._values, self._weight, self._parts)
        return de.add_(of_products), dweight
