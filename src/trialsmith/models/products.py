"""W e for the features e of links that come in chunks, and its derivatives."""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import linear


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
    """Forwards ``features`` and ``project`` for each chunk; backwards ``collect`` for each."""

    @abstractmethod
    def features(self, links: slice) -> Float[Tensor, "chunk hidden"]:
        """e of a chunk."""

    @abstractmethod
    def project(self, links: slice) -> Float[Tensor, "chunk hidden"]:
        """W e of a chunk, in the type of W."""

    @abstractmethod
    def collect(self, links: slice, dm: Tensor, de: Tensor | None) -> None:
        """Takes in the derivatives of a chunk: by W e, and what e has from elsewhere."""

    @abstractmethod
    def derivatives(self) -> tuple[Float[Tensor, "rows hidden"], Float[Tensor, "hidden hidden"]]:
        """The derivatives by the features that were given and by W, when all were collected."""


def products_of(e: Tensor, rows: Tensor | None, weight: Tensor) -> Products:
    """Of each row of ``e``, or of ``Repeated(e, rows)``."""
    return ProductsOfEach(e, weight) if rows is None else ProductsOfDistinct(e, rows, weight)


class ProductsOfEach(Products):
    """One product a link; in the type of W, which may be narrower than that of e."""

    def __init__(self, e: Float[Tensor, "links hidden"], weight: Tensor) -> None:
        self._e, self._weight = e, weight

    @cached_property
    def _de(self) -> Tensor:
        return torch.empty_like(self._e)

    @cached_property
    def _dweight(self) -> Tensor:
        return torch.zeros_like(self._weight, dtype=self._e.dtype)

    def features(self, links: slice) -> Float[Tensor, "chunk hidden"]:
        return self._e[links]

    def project(self, links: slice) -> Float[Tensor, "chunk hidden"]:
        return linear(self._e[links].to(self._weight.dtype), self._weight)

    def collect(self, links: slice, dm: Tensor, de: Tensor | None) -> None:
        dm = dm.to(self._weight.dtype)
        self._dweight += dm.t() @ self._e[links].to(dm.dtype)
        if de is None:
            self._de[links] = dm @ self._weight
        else:
            torch.add(de, dm @ self._weight, out=self._de[links])

    def derivatives(self) -> tuple[Float[Tensor, "rows hidden"], Float[Tensor, "hidden hidden"]]:
        return self._de, self._dweight


class ProductsOfDistinct(Products):
    """One product for all links of equal features."""

    def __init__(
        self, values: Float[Tensor, "distinct hidden"], rows: Int[Tensor, "links"], weight: Tensor
    ) -> None:
        self._values, self._rows, self._weight = values, rows, weight

    @cached_property
    def _products(self) -> Tensor:
        return linear(self._values.to(self._weight.dtype), self._weight)

    @cached_property
    def _dproducts(self) -> Tensor:
        return torch.zeros_like(self._values)

    @cached_property
    def _dvalues(self) -> Tensor:
        return torch.zeros_like(self._values)

    def features(self, links: slice) -> Float[Tensor, "chunk hidden"]:
        return self._values.index_select(0, self._rows[links])

    def project(self, links: slice) -> Float[Tensor, "chunk hidden"]:
        return self._products.index_select(0, self._rows[links])

    def collect(self, links: slice, dm: Tensor, de: Tensor | None) -> None:
        self._dproducts.index_add_(0, self._rows[links], dm)
        if de is not None:
            self._dvalues.index_add_(0, self._rows[links], de)

    def derivatives(self) -> tuple[Float[Tensor, "rows hidden"], Float[Tensor, "hidden hidden"]]:
        dm = self._dproducts.to(self._weight.dtype)
        dweight = dm.t() @ self._values.to(dm.dtype)
        return self._dvalues.add_(dm @ self._weight), dweight.to(self._values.dtype)
