"""What autocast is to leave alone: functions whose kernels know of precision by themselves."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")


def outside_autocast(function: Callable[..., Result]) -> Callable[..., Result]:
    """The forward or backward of a `torch.autograd.Function` on a CPU, with autocast off.

    Where it was on, tensors of half precision come in single precision. Nearly as
    `torch.amp.custom_fwd(cast_inputs=torch.float32)` with `custom_bwd`, of which the latter enters
    and leaves autocast in every backward: that takes longer than some kernels.
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
