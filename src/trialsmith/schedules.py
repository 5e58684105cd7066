"""Learning-rate schedules in the form that Lightning takes them.

Each is handed the optimizer and the number of optimizer steps that the whole run will make.
"""

from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR, ReduceLROnPlateau

from trialsmith.direction import mode_of


def constant(optimizer: Optimizer, steps: int) -> dict[str, Any]:
    """The learning rate stays what it is."""
    return {"scheduler": LambdaLR(optimizer, lambda _: 1.0), "interval": "epoch"}


def one_cycle(optimizer: Optimizer, steps: int, warmup: float = 0.3) -> dict[str, Any]:
    """Up to the optimizer's learning rate in the first `warmup` of all steps, then down to zero.

    Smith & Topin, arXiv:1708.07120. The peak is the optimizer's own `lr`, which is what a
    search varies.
    """
    peak = [group["lr"] for group in optimizer.param_groups]
    # torch wants two steps at least; a run of a single step simply never comes down
    scheduler = OneCycleLR(optimizer, max_lr=peak, total_steps=max(steps, 2), pct_start=warmup)
    return {"scheduler": scheduler, "interval": "step"}


def plateau(
    optimizer: Optimizer,
    steps: int,
    monitor: str,
    direction: str,
    factor: float = 0.5,
    patience: int = 10,
) -> dict[str, Any]:
    """Multiply the learning rate by `factor` after `patience` epochs without a better `monitor`."""
    scheduler = ReduceLROnPlateau(
        optimizer,
        mode=mode_of(direction, monitor),
        factor=factor,
        patience=patience,
    )
    return {"scheduler": scheduler, "interval": "epoch", "monitor": monitor}
