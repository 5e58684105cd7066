"""SiLU(Norm(x)) of rows that come in chunks, with a backward of its own.

Written out in plain torch, every step of norm and activation reads and writes the whole of x. Here
x is read once to know its statistics and once to be activated, and as often backwards.
"""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import layer_norm, silu

from trialsmith.models.norm import LayerNorm, Norm, WeightedBatchNorm


def chunked_activation(norm: Norm, multiplicity: Float[Tensor, "members"]) -> "Activation":
    """What computes ``silu(norm(x, multiplicity))`` in chunks."""
    if isinstance(norm, WeightedBatchNorm):
        return BatchNormActivation(norm, multiplicity)
    if isinstance(norm, LayerNorm):
        return LayerNormActivation(norm)
    raise TypeError(f"{type(norm).__name__} has no chunked form")


class Activation(ABC):
    """z = SiLU(Norm(x)): every chunk is observed, the statistics are settled, then z is had."""

    @abstractmethod
    def observe(self, x: Float[Tensor, "rows features"], rows: slice) -> None:
        """Takes note of a chunk."""

    @abstractmethod
    def settle(self) -> None:
        """Every chunk was observed."""

    @abstractmethod
    def activate(self, x: Float[Tensor, "rows features"]) -> Float[Tensor, "rows features"]:
        """z of a chunk, a new tensor."""

    @abstractmethod
    def derivative(self) -> "Derivative":
        """For one pass backwards."""


class Derivative(ABC):
    """From z̄, the loss's derivative by z: every chunk is collected, then x̄ is had."""

    @abstractmethod
    def collect(
        self, dz: Float[Tensor, "rows features"], x: Float[Tensor, "rows features"]
    ) -> None:
        """Takes note of a chunk."""

    @abstractmethod
    def differentiate(
        self, dz: Float[Tensor, "rows features"], x: Float[Tensor, "rows features"], rows: slice
    ) -> Float[Tensor, "rows features"]:
        """x̄ of a chunk, a new tensor."""

    @abstractmethod
    def parameters(self) -> tuple[Float[Tensor, "features"], Float[Tensor, "features"]]:
        """γ̄ and β̄, the derivatives by the norm's weight and bias."""


class BatchNormActivation(Activation):
    """With y = γ x̂ + β, x̂ = (x - μ) / √(σ² + ε), multiplicities wₙ and W = Σₙ wₙ,

        ȳ = z̄ SiLU'(y),   β̄ = Σₙ ȳ,   γ̄ = Σₙ ȳ x̂
        x̄ₙ = γ / √(σ² + ε) (ȳₙ - wₙ / W (β̄ + x̂ₙ γ̄))

    without the last term in evaluation, where μ and σ are the running ones.
    """

    def __init__(self, norm: WeightedBatchNorm, multiplicity: Float[Tensor, "members"]) -> None:
        self._norm = norm
        self._total = multiplicity.sum()
        self.share = multiplicity / self._total if norm.training else None
        self._moments: list[tuple[Tensor, Tensor, Tensor]] = []

    def observe(self, x: Float[Tensor, "rows features"], rows: slice) -> None:
        if self.share is None or len(x) == 0:
            return
        share = self.share[rows]
        total = share.sum()
        mean = share @ x / total
        self._moments.append((total, mean, share @ (x - mean).square_()))

    def settle(self) -> None:
        norm = self._norm
        mean, variance = norm.running_mean, norm.running_var
        if self._moments:
            mean, variance = _joined(self._moments)
            norm.remember(mean, variance, self._total)
        self.mean, self.inverse = mean, torch.rsqrt(variance + norm.eps)
        self.scale = norm.weight.detach() * self.inverse
        self.shift = norm.bias.detach() - mean * self.scale

    def activate(self, x: Float[Tensor, "rows features"]) -> Float[Tensor, "rows features"]:
        return silu(torch.addcmul(self.shift, x, self.scale), inplace=True)

    def derivative(self) -> "BatchNormDerivative":
        return BatchNormDerivative(self)


class BatchNormDerivative(Derivative):
    """The equations of `BatchNormActivation`, from Σ ȳ and Σ ȳ (x - μ)."""

    def __init__(self, forward: BatchNormActivation) -> None:
        self._forward = forward
        self._sum, self._moment = torch.zeros_like(forward.mean), torch.zeros_like(forward.mean)

    def collect(
        self, dz: Float[Tensor, "rows features"], x: Float[Tensor, "rows features"]
    ) -> None:
        dy = self._before_silu(dz, x)
        ones = dy.new_ones(len(dy))  # as a product it is several times as fast as dy.sum(0)
        self._sum += ones @ dy
        self._moment += ones @ dy.mul_(x - self._forward.mean)

    def differentiate(
        self, dz: Float[Tensor, "rows features"], x: Float[Tensor, "rows features"], rows: slice
    ) -> Float[Tensor, "rows features"]:
        dy = self._before_silu(dz, x)
        forward = self._forward
        if forward.share is not None:
            slope = self._moment * forward.inverse.square()
            common = torch.addcmul(self._sum - forward.mean * slope, x, slope)
            dy.addcmul_(common, forward.share[rows].unsqueeze(1), value=-1)
        return dy.mul_(forward.scale)

    def parameters(self) -> tuple[Float[Tensor, "features"], Float[Tensor, "features"]]:
        return self._moment * self._forward.inverse, self._sum

    def _before_silu(self, dz: Tensor, x: Tensor) -> Tensor:
        return silu_backward(dz, torch.addcmul(self._forward.shift, x, self._forward.scale))


class LayerNormActivation(Activation):
    """Each row by itself: nothing to observe."""

    def __init__(self, norm: LayerNorm) -> None:
        self.weight, self.bias = norm.weight.detach(), norm.bias.detach()

    def observe(self, x: Float[Tensor, "rows features"], rows: slice) -> None:
        """Nothing."""

    def settle(self) -> None:
        """Nothing."""

    def activate(self, x: Float[Tensor, "rows features"]) -> Float[Tensor, "rows features"]:
        return silu(layer_norm(x, self.weight.shape, self.weight, self.bias), inplace=True)

    def derivative(self) -> "LayerNormDerivative":
        return LayerNormDerivative(self.weight, self.bias)


class LayerNormDerivative(Derivative):
    """Torch's own derivative, a chunk at a time."""

    def __init__(self, weight: Float[Tensor, "features"], bias: Float[Tensor, "features"]) -> None:
        self._weight, self._bias = weight, bias
        self._dweight, self._dbias = torch.zeros_like(weight), torch.zeros_like(bias)

    def collect(
        self, dz: Float[Tensor, "rows features"], x: Float[Tensor, "rows features"]
    ) -> None:
        """Nothing: no row asks for the others."""

    def differentiate(
        self, dz: Float[Tensor, "rows features"], x: Float[Tensor, "rows features"], rows: slice
    ) -> Float[Tensor, "rows features"]:
        x, weight, bias = (t.detach().requires_grad_() for t in (x, self._weight, self._bias))
        with torch.enable_grad():
            z = silu(layer_norm(x, weight.shape, weight, bias))
        dx, dweight, dbias = torch.autograd.grad(z, (x, weight, bias), dz)
        self._dweight += dweight
        self._dbias += dbias
        return dx

    def parameters(self) -> tuple[Float[Tensor, "features"], Float[Tensor, "features"]]:
        return self._dweight, self._dbias


def _joined(moments: list[tuple[Tensor, Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Mean and variance of all from each chunk's share, mean and spread about its own mean.

    T. F. Chan, G. H. Golub, R. J. LeVeque, Am. Stat. 37, 242 (1983).
    """
    shares, means, spreads = (torch.stack(each) for each in zip(*moments, strict=True))
    mean = shares @ means
    return mean, spreads.sum(0) + shares @ (means - mean).square()


def silu_backward(
    dz: Float[Tensor, "rows features"], y: Float[Tensor, "rows features"]
) -> Float[Tensor, "rows features"]:
    """z̄ SiLU'(y), a new tensor."""
    if hasattr(torch.ops.aten, "silu_backward"):  # torch's own step, without a public name
        return torch.ops.aten.silu_backward(dz, y)
    gate = torch.sigmoid(y)
    return gate * (1 + y * (1 - gate)) * dz
