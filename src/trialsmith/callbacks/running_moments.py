"""Mean and spread of numbers that come in batches, from the first batch on."""

import torch
from jaxtyping import Float
from torch import Tensor


class RunningMoments:
    """Weighted mean and standard deviation that forget: a batch counts β times less each step.

    With batches of weight W_t and mean x_t,

        W = β W + W_t,   m = m + (W_t / W)(x_t - m),   S = β S + S_t + W_t (1 - W_t / W)(x_t - m)²

    and spread √(S / W), S_t the sum of squares about x_t. The first batch counts in full, so that
    nothing is biased towards a start at zero: for batches of equal weight m is the moving average
    with the correction by 1 - βᵗ of D. Kingma, J. Ba, arXiv 1412.6980, alg. 1. The update of S is
    that of B. Welford, Technometrics 4, 419 (1962), which does not cancel.

    Nothing leaves the device before it is read, so that a training step does not wait for it.

    Args:
        decay: β. Of 0.9 the memory is ten batches long.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self._weight: Tensor | None = None
        self._mean = self._squares = torch.zeros(())

    def add(self, values: Float[Tensor, "*rows"], counts: Float[Tensor, "*rows"]) -> None:
        """One batch: its values, and how often each counts."""
        values, counts = values.float(), counts.float()
        weight = counts.sum()
        safe = weight.clamp(min=torch.finfo(weight.dtype).tiny)  # a batch may have nothing to tell
        mean = (counts * values).sum() / safe
        squares = (counts * (values - mean) ** 2).sum()
        if self._weight is None:
            self._weight, self._mean, self._squares = weight, mean, squares
            return
        self._weight = self.decay * self._weight + weight
        share = weight / self._weight.clamp(min=torch.finfo(weight.dtype).tiny)
        step = mean - self._mean
        self._mean = self._mean + share * step
        self._squares = self.decay * self._squares + squares + weight * (1 - share) * step**2

    def read(self) -> tuple[float, float] | None:
        """Mean and spread; None where nothing has come yet."""
        if self._weight is None or float(self._weight) == 0:
            return None
        return float(self._mean), float((self._squares / self._weight).sqrt())
