"""What a trained model costs to use: further objectives of a search, beside its error."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import lightning.pytorch as pl
import torch
from torch import nn

from trialsmith.errors import InfeasibleConfig


class InferenceTime:
    """Milliseconds a sample takes in the model's forward pass, in evaluation mode.

    The batch is always of the same validation samples and of the same size, whatever
    `data.batch_size` is: trials can be compared. After some passes to warm up, the median of
    several is taken, which an interruption does not move. What else runs on the machine does:
    measure with one trial at a time, and on the machine that will use the model.

    Args:
        name: of the objective, in the study and in `metrics.json`.
        samples: in the batch; fewer where the validation split has fewer.
        repeats: passes that are measured.
        warm_up: passes before them.
    """

    def __init__(
        self,
        name: str = "inference_ms",
        samples: int = 32,
        repeats: int = 21,
        warm_up: int = 3,
    ) -> None:
        self.name, self.samples, self.repeats, self.warm_up = name, samples, repeats, warm_up
        for key, value in (("samples", samples), ("repeats", repeats)):
            if value < 1:
                raise InfeasibleConfig(f"cost.{key}={value} must be at least 1")

    @torch.inference_mode()
    def __call__(self, model: nn.Module, data: Any, trainer: pl.Trainer) -> float:
        """The time of one sample of `data`'s validation split, ms.

        Args:
            trainer: that trained it; on its device and in its precision it is measured.
        """
        device = trainer.strategy.root_device
        samples = data.val_dataloader().dataset
        count = min(self.samples, len(samples))
        batch = samples.__getitems__(list(range(count))).to(device)
        was_training = model.training
        model.to(device).eval()
        try:
            with trainer.precision_plugin.forward_context():
                for _ in range(self.warm_up):
                    model(batch)
                seconds = [_timed(lambda: model(batch), device) for _ in range(self.repeats)]
        finally:
            model.train(was_training)
        return 1000 * median(seconds) / count


def _timed(work: Callable[[], Any], device: torch.device) -> float:
    _wait(device)
    begun = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - begun


def _wait(device: torch.device) -> None:
    if device.type == "cuda":  # its work is only queued
        torch.cuda.synchronize(device)
