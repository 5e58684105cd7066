"""Losses that PyTorch lacks, and whether a loss fits the targets."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from trialsmith.errors import InfeasibleConfig

Weights = Mapping[str, int | float] | Sequence[int | float]


class WeightedMSE(nn.Module):
    """mean over samples and targets of w_k (p_k − t_k)², on standardised targets.

    The weights are not scaled to a sum: of two losses with other weights neither is better. So the
    score of a run is never this loss, but `val/mse`, which knows no weights.

    Args:
        weights: of targets by name, where the others have 1, or of each in order; None: one. In
            names case, spaces, dashes and underscores do not matter.
    """

    weights: Tensor

    def __init__(self, weights: Weights | None = None) -> None:
        super().__init__()
        self.given = weights
        self.register_buffer("weights", torch.ones(()), persistent=False)

    def of(self, names: Sequence[str]) -> "WeightedMSE":
        """The loss itself, for these targets.

        Raises:
            InfeasibleConfig: not one weight for each target, or a weight that is none.
        """
        if self.given is None:
            return self
        if not isinstance(self.given, Mapping | Sequence) or isinstance(self.given, str):
            raise InfeasibleConfig(
                f"loss.weights={self.given!r} must be a list with one weight for each target, "
                f"{', '.join(names)}, or name targets: loss.weights={{{names[0]}: 5}}"
            )
        each = self.given.values() if isinstance(self.given, Mapping) else self.given
        wrong = [weight for weight in each if not isinstance(weight, int | float)]
        if wrong:
            raise InfeasibleConfig(f"loss.weights has {wrong[0]!r}: weights must be numbers")
        if isinstance(self.given, Mapping):
            values = _by_name(self.given, names)
        elif len(self.given) == len(names):
            values = [float(weight) for weight in self.given]
        else:
            raise InfeasibleConfig(
                f"loss.weights={list(self.given)} has {len(self.given)} weights for {len(names)} "
                f"targets: give one for each of {', '.join(names)}"
            )
        if not all(0 <= value < math.inf for value in values) or max(values) == 0:
            raise InfeasibleConfig(
                f"loss.weights={values}: weights must be finite and not negative, and one above 0"
            )
        self.weights = torch.tensor(values, device=self.weights.device)
        return self

    def forward(
        self, prediction: Float[Tensor, "samples targets"], target: Float[Tensor, "samples targets"]
    ) -> Float[Tensor, ""]:
        """The loss of standardised predictions."""
        return (self.weights * (prediction - target) ** 2).mean()


def fitted(loss: nn.Module, targets: Sequence[Any]) -> nn.Module:
    """The loss itself, told the names of the targets where it asks for them.

    Args:
        targets: with a `name`, and `classes` where they are classes.

    Raises:
        InfeasibleConfig: the loss is of classes and the targets are not, or the other way about.
    """
    if bool(targets[0].classes) != isinstance(loss, nn.CrossEntropyLoss | nn.NLLLoss):
        kind, remedy = (
            ("classes", "cross_entropy") if targets[0].classes else ("numbers", "mse, mae, huber")
        )
        raise InfeasibleConfig(
            f"loss: {type(loss).__name__} does not fit targets that are {kind}; take loss={remedy}"
        )
    return loss.of([target.name for target in targets]) if isinstance(loss, WeightedMSE) else loss


def _by_name(weights: Mapping[str, int | float], names: Sequence[str]) -> list[float]:
    plain = {_plain(name): float(weight) for name, weight in weights.items()}
    known = [_plain(name) for name in names]
    if not set(plain) <= set(known) or len(plain) < len(weights):
        raise InfeasibleConfig(
            f"loss.weights has {', '.join(weights)}; give weights to targets, once to each, and to "
            f"nothing else: {', '.join(names)}"
        )
    return [plain.get(name, 1.0) for name in known]


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
