"""The files of spec/5's group as they are, with base settings written for them."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from hydra_plugins.trialsmith_sweeper._grammar import read_grammar
from trialsmith.errors import InfeasibleConfig
from trialsmith.search.reading import Fixed, read
from trialsmith.search.space import Space
from trialsmith.spaces.converting import Inputs, write_search_file

CONF = Path(__file__).resolve().parents[2] / "conf"
BASE = Path(__file__).with_name("group_base_settings.yaml")


@pytest.fixture
def search(shared: Path, tmp_path: Path) -> Any:
    """Composes the converted search with overrides."""
    given = shared / "data" / "spaces"
    inputs = Inputs(given / "search_space.yaml", BASE, given / "dependencies.yaml")
    write_search_file(inputs, tmp_path / "hparams_search" / "mine.yaml")

    def composed(*overrides: str) -> Any:
        lines = ["hparams_search=mine", f"hydra.searchpath=[file://{tmp_path}]", "folder=/nowhere"]
        with initialize_config_dir(str(CONF)):
            return compose("train", [*lines, *overrides], return_hydra_config=True)

    return composed


def space_of(config: Any) -> Space:
    entries = OmegaConf.to_container(config.hydra.sweeper.params)
    assert isinstance(entries, dict)
    parameters = [read(str(key), entry, read_grammar) for key, entry in entries.items()]
    return Space(tuple(p for p in parameters if not isinstance(p, Fixed)))


def test_numbers_are_numbers_and_lists_that_are_values_stay(search: Any) -> None:
    config = search()
    entries = config.hydra.sweeper.params
    assert entries["training.learning_rate"] == {"low": 1e-5, "high": 0.1, "log": True}
    assert entries["training.weight_decay"] == {"low": 1e-6, "high": 0.01, "log": True}
    assert entries["model.gcn_net.1.dropout"] == {"low": 0.2, "high": 0.5, "step": 0.1}
    assert len(entries) == 21
    classifier = config.model.classifier
    assert classifier.hidden_dims == [48, 18]
    assert classifier.output_dims == [2]
    assert classifier.backbone_kwargs == [{}, {}]
    assert config.testing == config.validation
    assert config.data.fractions == [0.8, 0.1, 0.1]


@pytest.mark.slow
def test_the_data_say_how_many_features_and_classes_there_are_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from trialsmith.models.gnn_settings import gnn_of_settings

    layers = [{"in_dim": 12, "out_dim": 8}, {"in_dim": 8, "out_dim": 4}]
    end = {"input_dim": 4, "output_dims": [2]}
    with caplog.at_level("INFO"):
        model = gnn_of_settings(3, layers, node_features=5, classifier=end)
    assert model.description.startswith("GNN of 5 features")
    assert "model.gcn_net.0.in_dim=12: the data have 5" in caplog.text
    assert "model.classifier.output_dims=[2]: the data have [3]" in caplog.text
    with pytest.raises(InfeasibleConfig, match="in_dim=9 must be 8"):
        gnn_of_settings(3, [layers[0], {"in_dim": 9, "out_dim": 4}], node_features=5)


@pytest.mark.slow
def test_whatever_is_sampled_dimensions_agree_and_the_model_builds(search: Any) -> None:
    space, random = space_of(search()), np.random.default_rng(0)
    for point in [space.sample(random) for _ in range(5)]:
        config = search(*(f"{key}={value}" for key, value in point.items()))
        layers = config.model.gcn_net
        for before, layer in pairwise(layers):
            assert layer.in_dim == before.out_dim
        assert [list(layer.norm_args) for layer in layers] == [[la.out_dim] for la in layers]
        assert config.model.classifier.input_dim == layers[-1].out_dim
        assert config.optimizer.lr == point["training.learning_rate"]
        assert config.trainer.max_epochs == point["training.num_epochs"]
        assert config.data.batch_size == point["training.batch_size"]
        # it refuses dimensions that do not agree
        instantiate(
            config.model,
            outputs=2,
            node_features=6,
            _execution_whitelist_=("trialsmith.models.*",),
        )
