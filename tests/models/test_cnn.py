"""The CNN: its dimensions follow the record, and every option acts in both."""

from types import SimpleNamespace

import pytest
import torch

from trialsmith.errors import InfeasibleConfig
from trialsmith.models import CNN

SHAPES = [(2, 64), (2, 24, 16)]


def batch(shape: tuple[int, ...], samples: int = 3) -> SimpleNamespace:
    torch.manual_seed(0)
    return SimpleNamespace(signal=torch.randn(samples, *shape))


def size(model: CNN) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_one_network_for_each_number_of_dimensions(shape: tuple[int, ...], residual: bool) -> None:
    model = CNN(6, shape, hidden=4, use_residual=residual)
    assert model(batch(shape)).shape == (3, 6)
    kind = "residual" if residual else "plain"
    assert model.description.startswith(f"{len(shape) - 1}D {kind} CNN for 2 channels")


@pytest.mark.parametrize("shape", SHAPES)
def test_every_option_acts_in_both(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)  # for there are weights that make all features nothing, dropped or not
    assert size(CNN(6, shape, hidden=8)) > 2 * size(CNN(6, shape, hidden=4))
    assert size(CNN(6, shape, use_residual=False)) != size(CNN(6, shape))
    for residual in (True, False):
        model = CNN(6, shape, hidden=4, dropout_rate=0.5, use_residual=residual)
        model(batch(shape, 64))  # batch norm settles
        records = batch(shape)
        model.eval()
        assert torch.equal(model(records), model(records))
        for norm in model.modules():
            if "Dropout" in type(norm).__name__:
                norm.train()
        assert not torch.equal(model(records), model(records))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("residual", [True, False])
def test_a_trained_network_sees_each_record_alone(shape: tuple[int, ...], residual: bool) -> None:
    model = CNN(2, shape, hidden=4, use_residual=residual).eval()
    records = batch(shape)
    alone = [model(SimpleNamespace(signal=record[None])) for record in records.signal]
    torch.testing.assert_close(model(records), torch.cat(alone), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2, 3)])
def test_short_records_pass(shape: tuple[int, ...]) -> None:
    for residual in (True, False):
        model = CNN(1, shape, hidden=2, use_residual=residual).eval()
        assert torch.isfinite(model(batch(shape))).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shape": None}, "take data=flow"),
        ({"shape": (3,)}, "reads signals and images"),
        ({"hidden": 0}, "model.hidden=0"),
        ({"dropout_rate": 1.0}, "dropout_rate=1"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(InfeasibleConfig, match=words):
        CNN(1, **{"shape": (1, 8), **options})
