"""From the features of a sample to the logits of classes."""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from trialsmith.errors import InfeasibleConfig
from trialsmith.models.graph_layers import (
    activation_named,
    check_list,
    check_mapping,
    check_width,
    dropout_of,
)


class Classifier(nn.Module):
    """Hidden layers, each linear – activation – dropout; then a linear one.

    Args:
        input_dim: features of a sample.
        output_dims: [classes].
        hidden_dims: features of each hidden layer; a number is one layer.
        activation: `relu`, `leaky_relu`, `sigmoid`, `tanh` or `identity`.
        dropout: its rate.
        backbone_kwargs: further arguments of each hidden layer's `torch.nn.Linear`.
        output_kwargs: the same of the last one, in a list of one.
        activation_kwargs: further arguments of all activations, in a list of one.

    Raises:
        InfeasibleConfig: a name or a number that cannot be.
    """

    def __init__(
        self,
        input_dim: int,
        output_dims: Sequence[int],
        hidden_dims: Sequence[int] | int = (),
        activation: str = "relu",
        dropout: float = 0.0,
        backbone_kwargs: Sequence[Mapping[str, Any]] = (),
        output_kwargs: Sequence[Mapping[str, Any]] = (),
        activation_kwargs: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__()
        (acting,) = _each("activation_kwargs", activation_kwargs, 1)
        hidden = [hidden_dims] if isinstance(hidden_dims, int) else hidden_dims
        check_list("hidden_dims", hidden, "a list of whole numbers from 1 on, or one such number")
        widths = [input_dim, *hidden, *output_dims]
        arguments = [
            *_of_linear("backbone_kwargs", backbone_kwargs, len(hidden)),
            *_of_linear("output_kwargs", output_kwargs, 1),
        ]
        layers: list[nn.Module] = []
        for before, after, given in zip(widths, widths[1:], arguments, strict=False):
            check_width("hidden_dims", after)
            layers += [nn.Linear(before, after, **given)]
            layers += [activation_named(activation, **acting), dropout_of(dropout)]
        self.layers = nn.Sequential(*layers[:-2])  # the logits are as they come

    def forward(self, samples: Float[Tensor, "samples features"]) -> Float[Tensor, "samples out"]:
        """The logits."""
        return self.layers(samples)


def _each(key: str, given: Sequence[Mapping[str, Any]], count: int) -> Sequence[Mapping[str, Any]]:
    check_list(key, given or (), "a list of mappings, [{…}]")
    for number, arguments in enumerate(given or ()):
        check_mapping(f"{key}.{number}", arguments)
    if given and len(given) != count:
        raise InfeasibleConfig(
            f"{key} has {len(given)} mappings for {count} layers: give one for each, or none"
        )
    return given or [{}] * count


def _of_linear(
    key: str, given: Sequence[Mapping[str, Any]], count: int
) -> Sequence[Mapping[str, Any]]:
    each = _each(key, given, count)
    for number, arguments in enumerate(each):
        if not set(arguments) <= {"bias"}:
            raise InfeasibleConfig(
                f"{key}.{number}={dict(arguments)}: a linear layer has bias only"
            )
    return each
