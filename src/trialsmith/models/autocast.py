"""What autocast is to leave alone: functions whose kernels narrow their factors by themselves."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")


def outside_autocast(function: Callable[..., Result]) -> Callable[..., Result]:
    """The forward or backward of a `torch.autograd.Function` on a CPU, without autocast.

    Under it the tensors that it is given come in single precision, but for those of double
    precision. `torch.amp.custom_fwd` and `custom_bwd` do the same; they enter and leave autocast
    where there is none, too, which takes longer than what some kernels have to do.
    """

    @wraps(function)
    def called(ctx: Any, *given: Any) -> Result:
        if not torch.is_autocast_enabled("cpu"):
            return function(ctx, *given)
        with torch.autocast("cpu", enabled=False):
            return function(ctx, *map(_in_single_precision, given))

    return called


def _in_single_precision(x: Any) -> Any:
    if isinstance(x, Tensor) and x.is_floating_point() and x.dtype != torch.float64:
        return x.float()
    return x
