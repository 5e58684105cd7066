"""A user's mistake is answered with what to change."""

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

from hydra_plugins.trialsmith_sweeper._messages import mistake


def message(build) -> str | None:
    with pytest.raises(Exception) as caught:  # noqa: PT011  whatever the libraries raise
        build()
    return mistake(caught.value)


def test_what_is_followed_and_not_there_is_named():
    config = OmegaConf.create({"fusion": {"width": "${model.hidden_features}"}, "model": {}})
    told = message(lambda: config.fusion.width)
    assert told is not None
    assert told.startswith("fusion.width follows model.hidden_features, which there is not")


@pytest.mark.parametrize(
    ("settings", "answer"),
    [
        ({"in_features": 1, "out_features": 1, "widht": 2}, "layer (Linear) takes no widht"),
        ({"in_features": 1}, "layer (Linear) needs 'out_features'"),
    ],
)
def test_an_argument_that_does_not_fit_is_named_with_its_key(settings, answer):
    config = OmegaConf.create({"layer": {"_target_": "torch.nn.Linear", **settings}})
    told = message(lambda: instantiate(config.layer, _execution_whitelist_=("torch.nn.*",)))
    assert told is not None
    assert answer in told


def test_a_bug_keeps_its_traceback():
    assert message(lambda: {}["x"]) is None
    assert message(lambda: len(3)) is None
