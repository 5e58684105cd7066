"""Where one may look at what a fusion does while it is trained."""

from collections.abc import Callable
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn


class Place(NamedTuple):
    """A fused place of the model: a site, and the ALIGNN layer (from 1) if the site has layers."""

    site: str
    layer: int | None = None

    def __str__(self) -> str:
        site = self.site.replace(".", "/")
        return site if self.layer is None else f"{site}/layer_{self.layer}"


class Gauge(nn.Module):
    """Shows a number of each atom or token to whoever listens, in training only.

    It returns nothing and keeps nothing: no buffer that averaging of weights would average, and no
    listener in a copy, a pickle or a checkpoint.
    """

    def __init__(self) -> None:
        super().__init__()
        self.listener: Callable[[Tensor, Tensor], None] | None = None

    @property
    def watched(self) -> bool:
        """Whether what is costly to show should be computed."""
        return self.training and self.listener is not None

    def forward(self, values: Float[Tensor, "*rows"], counts: Float[Tensor, "*rows"]) -> None:
        """Values, and how often each counts in a mean."""
        if self.training and self.listener is not None:
            self.listener(values.detach(), counts.detach())

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "listener": None}
