"""The stages of the project are spec/4's table."""

from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from hydra_plugins.trialsmith_sweeper._build import build_pruner, build_stage, sampler_maker
from hydra_plugins.trialsmith_sweeper._definition import Definition, define
from trialsmith.search.proposal import Grid
from trialsmith.study.stages.inheritance import inherited

CONF = Path(__file__).resolve().parents[2] / "conf"
WINNER = {"fusion.dynamic.use": True, "fusion.dynamic.layers": "2,3", "optimizer.lr": 0.002}


def defined(search: str, winners: list[dict[str, object]]) -> tuple[DictConfig, Definition]:
    """The configuration of `search`, and its definition after these winners."""
    arguments = [f"hparams_search={search}"]
    with initialize_config_dir(str(CONF)):
        config = compose("train", overrides=arguments, return_hydra_config=True)
        entries = inherited(winners, own=set(config.hydra.sweeper.params)) if winners else {}
        loader = GlobalHydra.instance().config_loader()
        return config, define(config, loader, arguments, entries)


def test_stage_1_is_a_grid_over_layers_and_graph_only() -> None:
    config, search = defined("fusion_layers", [])
    layers = [point.get("fusion.dynamic.layers", "none") for point in search.space.points()]
    assert sorted(layers) == ["1", "1,2,3", "2", "2,3", "3", "none"]
    assert isinstance(sampler_maker(config.hydra.sweeper.sampler)[0](0), Grid)
    assert type(build_pruner(config.hydra.sweeper.pruner)).__name__ == "NopPruner"
    assert config.hydra.sweeper.n_trials is None
    sizes = (config.data.n_train, config.data.n_val, config.data.n_test)
    assert (*sizes, config.trainer.max_epochs) == (500, 50, 50, 20)


def test_stage_2_tunes_what_the_table_says_for_the_best_two() -> None:
    config, search = defined("fusion_regularisation", [WINNER, WINNER | {"optimizer.lr": 1.0}])
    assert set(search.space.keys) == {
        *("fusion.dynamic.use", "fusion.dynamic.layers", "fusion.dynamic.hidden_dim"),
        *("fusion.dynamic.dropout", "model.dropout", "optimizer.lr", "optimizer.weight_decay"),
    }
    assert config.hydra.sweeper.stage.candidates == 2
    sizes = (config.data.n_train, config.data.n_val, config.data.n_test)
    assert (*sizes, config.trainer.max_epochs) == (2000, 250, 250, 50)


def test_stage_3_is_the_winner_with_every_control_and_seed() -> None:
    config, search = defined("fusion_validation", [WINNER])
    points = list(search.space.points())
    arms = [(point.get("data.texts", "graph only"), point["seed"]) for point in points]
    names = ("given", "shuffled", "removed", "graph only")
    assert sorted(arms) == sorted((name, seed) for name in names for seed in SEEDS)
    for point in points:
        assert point["fusion.dynamic.use"] == ("fusion.dynamic.layers" in point)
    assert all(point["optimizer.lr"] == 0.002 for point in points)
    assert config.trainer.max_epochs == 100
    assert config.data.n_train is None


SEEDS = range(5)


def test_the_controls_stand_alone_too() -> None:
    _, search = defined("fusion_controls", [])
    assert search.space.size == 4 * len(SEEDS)


def test_each_stage_follows_the_one_before_it_in_the_plan() -> None:
    plan = yaml.safe_load((CONF / "stages" / "dynamic_fusion.yaml").read_text())
    stages = []
    for search in plan:
        config, _ = defined(search, [])
        stages.append(build_stage(config.hydra.sweeper.stage))
        assert config.score_test  # the table shows it
    assert [stage.follows for stage in stages if stage] == [None, *plan[:-1]]
    assert [stage.then for stage in stages if stage] == [*plan[1:], None]


def test_a_stage_that_cannot_be_is_refused() -> None:
    with initialize_config_dir(str(CONF)):
        overrides = ["hparams_search=fusion_validation", "hydra.sweeper.stage.candidates=0"]
        config = compose("train", overrides=overrides, return_hydra_config=True)
    with pytest.raises(Exception, match="candidates=0: use 1 or more"):
        build_stage(config.hydra.sweeper.stage)
