"""The second objective of a search: the time of a forward pass, by a clock of our own."""

from types import SimpleNamespace

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.plugins.environments import LightningEnvironment
from torch import Tensor, nn

from trialsmith import costs
from trialsmith.costs import InferenceTime
from trialsmith.errors import InfeasibleConfig


class Samples:
    """Fifty samples, a batch of which is a tensor."""

    def __len__(self) -> int:
        return 50

    def __getitems__(self, places: list[int]) -> Tensor:
        return torch.tensor(places, dtype=torch.float32)[:, None]


class Slow(nn.Module):
    """Takes as many seconds of the clock as there are samples, the fifth time a hundred more."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.passes = 0

    def forward(self, batch: Tensor) -> Tensor:
        assert not self.training
        self.passes += 1
        self.now += len(batch) + (100 if self.passes == 5 else 0)
        return batch


@pytest.mark.parametrize(("samples", "count"), [(8, 8), (80, 50)])
def test_it_is_the_median_time_of_a_sample(
    monkeypatch: pytest.MonkeyPatch, samples: int, count: int
) -> None:
    model = Slow().train()
    monkeypatch.setattr(costs.time, "perf_counter", lambda: model.now)
    data = SimpleNamespace(val_dataloader=lambda: SimpleNamespace(dataset=Samples()))
    here = LightningEnvironment()
    trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, plugins=here)
    cost = InferenceTime(samples=samples, repeats=5, warm_up=2)
    assert cost(model, data, trainer) == pytest.approx(1000)  # a second each, the delay left out
    assert model.passes == 7
    assert model.training


def test_nothing_cannot_be_measured() -> None:
    with pytest.raises(InfeasibleConfig, match=r"cost\.repeats=0 must be at least 1"):
        InferenceTime(repeats=0)
