"""The weighted loss, and whether a loss fits the targets."""

import pytest
import torch
from torch import nn

from trialsmith.data import Target
from trialsmith.errors import InfeasibleConfig
from trialsmith.losses import WeightedMSE, fitted

NAMES = ["Solid Velocity", "Gas Velocity"]
P = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
T = torch.tensor([[0.0, 2.0], [1.0, 2.0]])
TARGETS = [Target(name) for name in NAMES]
CLASSES = [Target("class", classes=("a", "b"))]


def test_it_is_the_weighted_mean_of_squares() -> None:
    # errors 1, 0 and 2, 3: (5·1 + 5·4 + 2·9) / 4
    assert float(WeightedMSE([5, 2]).of(NAMES)(P, T)) == pytest.approx(43 / 4)


@pytest.mark.parametrize("weights", [None, [1, 1], {"solid_velocity": 1, "GAS VELOCITY": 1}])
def test_weights_of_one_are_the_mean_square(weights: object) -> None:
    loss = WeightedMSE(weights).of(NAMES)
    torch.testing.assert_close(loss(P, T), nn.functional.mse_loss(P, T))


def test_names_decide_and_not_their_order() -> None:
    alone = WeightedMSE({"Solid Velocity": 5}).of(NAMES)
    torch.testing.assert_close(alone(P, T), WeightedMSE([5, 1]).of(NAMES)(P, T))
    by_name = WeightedMSE({"Gas Velocity": 2, "Solid-Velocity": 5}).of(NAMES)
    torch.testing.assert_close(by_name(P, T), WeightedMSE([5, 2]).of(NAMES)(P, T))


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1, 2, 3], "3 weights for 2 targets"),
        ({"Solid Velocity": 1, "solid_velocity": 2}, "once to each"),
        ({"Solid Velocity": 1, "Gas Velocity": 1, "Foam": 1}, "nothing else"),
        ([1, -1], "not negative"),
        ([float("nan"), 1], "must be finite"),
        ([0, 0], "one above 0"),
        (5, r"loss.weights=5 must be a list .* Solid Velocity, Gas Velocity.*=\{Solid Velocity: 5"),
        ("abc", "loss.weights='abc' must be a list"),
        ([1, None], "has None: weights must be numbers"),
        ({"Solid Velocity": "high"}, "has 'high': weights must be numbers"),
    ],
)
@pytest.mark.usefixtures("as_a_user")
def test_weights_that_do_not_fit_are_refused(weights: object, words: str) -> None:
    with pytest.raises(InfeasibleConfig, match=words):
        fitted(WeightedMSE(weights), TARGETS)


def test_a_loss_of_classes_is_not_for_numbers() -> None:
    assert isinstance(fitted(nn.MSELoss(), TARGETS), nn.MSELoss)
    assert isinstance(fitted(nn.CrossEntropyLoss(), CLASSES), nn.CrossEntropyLoss)
    with pytest.raises(InfeasibleConfig, match="loss=cross_entropy"):
        fitted(nn.MSELoss(), CLASSES)
    with pytest.raises(InfeasibleConfig, match="loss=mse"):
        fitted(nn.CrossEntropyLoss(), TARGETS)
