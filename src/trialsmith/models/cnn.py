"""Convolutional networks for signals of one and of two dimensions."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor, nn

from trialsmith.errors import InfeasibleConfig

_CONVOLUTION: dict[int, type[nn.Module]] = {1: nn.Conv1d, 2: nn.Conv2d}
_NORM: dict[int, type[nn.Module]] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d}
_POOL: dict[int, type[nn.Module]] = {1: nn.MaxPool1d, 2: nn.MaxPool2d}
_MEAN: dict[int, type[nn.Module]] = {1: nn.AdaptiveAvgPool1d, 2: nn.AdaptiveAvgPool2d}
# one rate for all: whole channels, as neighbouring points tell nearly the same
_DROPOUT: dict[int, type[nn.Module]] = {1: nn.Dropout1d, 2: nn.Dropout2d}


@runtime_checkable
class WithSignal(Protocol):
    """What the network reads of a batch."""

    signal: Float[Tensor, "samples channels *grid"]


class CNN(nn.Module):
    """Records of (channels, time) by a 1D network, of (channels, rows, columns) by a 2D one.

    With h = `hidden`, and BN for batch normalisation:

    - residual: convolution 7 / stride 2 – BN – ReLU – max pooling 3 / stride 2; residual blocks h,
      2h / stride 2, 4h / stride 2 and 4h; mean over the grid; linear 4h → 2h – ReLU – dropout –
      linear 2h → outputs. After K. He et al., arXiv 1512.03385, with dropout in the last block.
    - plain: convolutions 7, 5, 3, 3 of h, 2h, 4h, 4h channels, each / stride 2 – BN – ReLU;
      dropout; mean over the grid; linear.

    Args:
        outputs: numbers to predict, or classes.
        shape: of a record, channels first; the data say it.
        hidden: h.
        dropout_rate: of both networks' dropout.
        use_residual: which of the two.

    Raises:
        InfeasibleConfig: the data have no signals, or a width or rate that cannot be.
    """

    def __init__(
        self,
        outputs: int,
        shape: Sequence[int] | None = None,
        hidden: int = 64,
        dropout_rate: float = 0.0,
        use_residual: bool = True,
    ) -> None:
        super().__init__()
        if shape is None or len(shape) not in (2, 3):
            raise InfeasibleConfig(
                "model=cnn reads signals and images, and these data have none: take data=flow, "
                "flow_synthetic or fashion_mnist, or another model"
            )
        if hidden < 1:
            raise InfeasibleConfig(f"model.hidden={hidden} must be at least 1")
        if not 0 <= dropout_rate < 1:
            raise InfeasibleConfig(
                f"model.dropout_rate={dropout_rate:g} must be at least 0 and below 1"
            )
        self.dimensions = len(shape) - 1
        kind = "residual" if use_residual else "plain"
        sizes = " × ".join(map(str, shape[1:]))
        self.description = f"{self.dimensions}D {kind} CNN for {shape[0]} channels of {sizes}"
        build = _residual if use_residual else _plain
        self.layers = build(self.dimensions, shape[0], outputs, hidden, dropout_rate)

    def forward(self, batch: WithSignal) -> Float[Tensor, "samples outputs"]:
        """Standardised predictions, or the logits of classes."""
        return self.layers(batch.signal)


class ResidualBlock(nn.Module):
    """ReLU(f(x) + x), with f = convolution 3 – BN – ReLU – dropout – convolution 3 – BN.

    Where the width or the grid changes, x passes through a convolution 1 – BN.
    """

    def __init__(
        self, dimensions: int, before: int, after: int, stride: int = 1, dropout_rate: float = 0.0
    ) -> None:
        super().__init__()
        self.change = nn.Sequential(
            *_convolution(dimensions, before, after, 3, stride),
            nn.ReLU(inplace=True),
            _DROPOUT[dimensions](dropout_rate),
            *_convolution(dimensions, after, after, 3),
        )
        same = before == after and stride == 1
        self.kept = nn.Sequential(
            *(() if same else _convolution(dimensions, before, after, 1, stride))
        )

    def forward(
        self, x: Float[Tensor, "samples before *grid"]
    ) -> Float[Tensor, "samples after *smaller"]:
        """The features after the block."""
        return nn.functional.relu(self.change(x) + self.kept(x))


def _residual(
    dimensions: int, channels: int, outputs: int, hidden: int, rate: float
) -> nn.Sequential:
    return nn.Sequential(
        *_convolution(dimensions, channels, hidden, 7, stride=2),
        nn.ReLU(inplace=True),
        _POOL[dimensions](3, stride=2, padding=1),
        ResidualBlock(dimensions, hidden, hidden),
        ResidualBlock(dimensions, hidden, 2 * hidden, stride=2),
        ResidualBlock(dimensions, 2 * hidden, 4 * hidden, stride=2),
        ResidualBlock(dimensions, 4 * hidden, 4 * hidden, dropout_rate=rate),
        _MEAN[dimensions](1),
        nn.Flatten(),
        nn.Linear(4 * hidden, 2 * hidden),
        nn.ReLU(inplace=True),
        nn.Dropout(rate),
        nn.Linear(2 * hidden, outputs),
    )


def _plain(dimensions: int, channels: int, outputs: int, hidden: int, rate: float) -> nn.Sequential:
    widths = (channels, hidden, 2 * hidden, 4 * hidden, 4 * hidden)
    layers: list[nn.Module] = []
    for before, after, kernel in zip(widths, widths[1:], (7, 5, 3, 3), strict=False):
        layers += [*_convolution(dimensions, before, after, kernel, 2), nn.ReLU(inplace=True)]
    return nn.Sequential(
        *layers,
        _DROPOUT[dimensions](rate),
        _MEAN[dimensions](1),
        nn.Flatten(),
        nn.Linear(4 * hidden, outputs),
    )


def _convolution(
    dimensions: int, before: int, after: int, kernel: int, stride: int = 1
) -> tuple[nn.Module, nn.Module]:
    """A convolution that pads, and batch normalisation, which has the bias."""
    options: dict[str, Any] = {"stride": stride, "padding": kernel // 2, "bias": False}
    convolution = _CONVOLUTION[dimensions](before, after, kernel, **options)
    return convolution, _NORM[dimensions](after)
