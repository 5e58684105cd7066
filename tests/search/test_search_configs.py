"""The search configs of the project: every sampler and pruner builds, the space is spec/1's."""

from pathlib import Path

import numpy as np
import optuna
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from hydra_plugins.trialsmith_sweeper._assembly import _check_directions
from hydra_plugins.trialsmith_sweeper._build import build_pruner, sampler_maker
from hydra_plugins.trialsmith_sweeper._definition import Definition, define
from hydra_plugins.trialsmith_sweeper._naming import sanitised, study_name
from hydra_plugins.trialsmith_sweeper.config import PRUNERS
from trialsmith.errors import InfeasibleConfig, SearchError
from trialsmith.search.proposal import Grid
from trialsmith.search.trial import prepare_pruner

CONF = Path(__file__).resolve().parents[2] / "conf"
SAMPLERS = sorted(path.stem for path in (CONF / "hydra" / "sweeper" / "sampler").glob("*.yaml"))


def composed(*overrides: str):
    with initialize_config_dir(str(CONF)):
        return compose("train", overrides=list(overrides), return_hydra_config=True)


def defined(*arguments: str) -> Definition:
    with initialize_config_dir(str(CONF)):
        config = compose("train", overrides=list(arguments), return_hydra_config=True)
        return define(config, GlobalHydra.instance().config_loader(), list(arguments))


def test_all_samplers_are_there():
    assert set(SAMPLERS) == {"tpe", "random", "grid", "gp", "cmaes", "qmc", "nsgaii"}


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("name", ["tpe", "random", "grid", "cmaes", "qmc", "nsgaii"])
def test_samplers_build_with_the_seed_of_the_run(name):
    config = composed(f"hydra/sweeper/sampler={name}", "seed=7")
    make, seed = sampler_maker(config.hydra.sweeper.sampler)
    assert seed == 7
    sampler = make(123)
    assert isinstance(sampler, optuna.samplers.BaseSampler)
    if name == "qmc":
        assert sampler._seed == 7  # one sequence for the whole study
    if isinstance(sampler, Grid):
        assert sampler.seed == 7


def test_tpe_keeps_optunas_defaults():
    make, _ = sampler_maker(composed().hydra.sweeper.sampler)
    ours, theirs = make(1), optuna.samplers.TPESampler(seed=1)
    for name in ("_constant_liar", "_multivariate", "_group", "_n_startup_trials"):
        assert getattr(ours, name) == getattr(theirs, name)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("name", PRUNERS)
def test_pruners_build(name):
    bound = ("hydra.sweeper.pruner.upper=1.0",) if name == "threshold" else ()
    node = composed(f"hydra/sweeper/pruner={name}", *bound).hydra.sweeper.pruner
    assert isinstance(build_pruner(node), optuna.pruners.BasePruner)
    assert isinstance(build_pruner(node, objectives=2), optuna.pruners.NopPruner)


@pytest.mark.parametrize("search", ["experiment=quick", "hparams_search=cnn_flow"])
def test_any_pruner_goes_with_any_search(search):
    node = composed(search, "hydra/sweeper/pruner=none").hydra.sweeper.pruner
    assert isinstance(build_pruner(node), optuna.pruners.NopPruner)


def test_the_default_pruner_waits_for_five_trials_and_ten_epochs():
    pruner = build_pruner(composed().hydra.sweeper.pruner)
    assert isinstance(pruner, optuna.pruners.MedianPruner)
    assert (pruner._n_startup_trials, pruner._n_warmup_steps) == (5, 10)


def test_a_pruner_that_cannot_be_built_says_why():
    with pytest.raises(SearchError, match="Either lower or upper must be specified"):
        build_pruner(composed("hydra/sweeper/pruner=threshold").hydra.sweeper.pruner)


def test_hyperband_knows_its_longest_run():
    node = composed("hydra/sweeper/pruner=hyperband", "trainer.max_epochs=81").hydra.sweeper.pruner
    assert build_pruner(node)._max_resource == 81


# spec/1's table: key → choices or range
TABLE = {
    "model.alignn_layers": (2, 6),
    "model.gcn_layers": (2, 6),
    "model.hidden_features": {128, 256, 512},
    "model.embedding_features": {32, 64, 128},
    "model.edge_input_features": {40, 80, 120},
    "model.triplet_input_features": {20, 40, 60},
    "optimizer.lr": (1e-4, 1e-2),
    "optimizer.weight_decay": (1e-6, 1e-3),
    "data.batch_size": {16, 32, 64, 128},
    "model.dropout": (0.0, 0.5),
    "fusion.cross_modal.use": {True, False},
    "fusion.cross_modal.hidden_dim": {128, 256, 512},
    "fusion.cross_modal.num_heads": {2, 4, 8},
    "fusion.cross_modal.dropout": (0.0, 0.3),
    "fusion.fine_grained.use": {True, False},
    "fusion.fine_grained.num_heads": {4, 8, 16},
    "fusion.fine_grained.dropout": (0.0, 0.3),
    "fusion.middle.use": {True, False},
    "fusion.middle.layers": {"1", "2", "1,2", "1,3", "2,3", "1,2,3"},
    "fusion.middle.hidden_dim": {64, 128, 256},
    "fusion.middle.num_heads": {1, 2, 4},
    "fusion.middle.dropout": (0.0, 0.3),
    # of its model, in place of middle fusion
    "fusion.dynamic.use": {True, False},
    "fusion.dynamic.layers": {"1", "2", "1,2", "1,3", "2,3", "1,2,3"},
    "fusion.dynamic.hidden_dim": {64, 128, 256},
    "fusion.dynamic.num_heads": {1, 2, 4},
    "fusion.dynamic.dropout": (0.0, 0.3),
}
LAYERS = {2: {"1"}, 3: {"1", "2", "1,2"}, 4: {"2", "1,3", "2,3", "1,2,3"}}


def test_alignn_fusion_is_the_table_of_spec_1():
    space = defined("hparams_search=alignn_fusion").space
    assert set(space.keys) == set(TABLE)
    random = np.random.default_rng(0)
    points = [space.sample(random) for _ in range(2000)]
    for key, wanted in TABLE.items():
        values = [point[key] for point in points if key in point]
        if isinstance(wanted, set):
            assert set(values) == wanted
        else:
            assert wanted[0] <= min(values) <= max(values) <= wanted[1]
    for point in points:
        for site in ("cross_modal", "fine_grained", "middle", "dynamic"):
            inner = {key for key in TABLE if key.startswith(f"fusion.{site}.")}
            there = inner if point.get(f"fusion.{site}.use") else inner & {f"fusion.{site}.use"}
            if site == "dynamic" and point["fusion.middle.use"]:
                there = set()
            assert {key for key in inner if key in point} == there
            if f"fusion.{site}.layers" in point:
                allowed = LAYERS[min(point["model.alignn_layers"], 4)]
                assert point[f"fusion.{site}.layers"] in allowed


def test_another_fusion_on_the_command_line_drops_the_rest():
    search = "hparams_search=alignn_fusion"
    for only in ("middle", "dynamic", "fine_grained", "cross_modal"):
        keys = defined(search, f"fusion={only}").space.keys
        assert {key.split(".")[1] for key in keys if key.startswith("fusion.")} == {only}
    keys = defined(search, "fusion=none").space.keys
    assert not [key for key in keys if key.startswith("fusion.")]


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("name", sorted(PRUNERS.keys() - {"none"}))
def test_every_pruner_ends_a_trial_that_grows_worse_than_all_others(name):
    limit = ("hydra.sweeper.pruner.upper=30",) if name == "threshold" else ()
    config = composed(f"hydra/sweeper/pruner={name}", "trainer.max_epochs=40", *limit)
    # hyperband draws a trial's bracket from the study's name
    study = optuna.create_study(study_name="one", pruner=build_pruner(config.hydra.sweeper.pruner))
    prepare_pruner(study)
    for score in range(12):
        assert not any(pruned(study.ask(), score, slope=-0.1)) or score > 0
        study.tell(score, score)
    assert any(pruned(study.ask(), 20.0, slope=1.0))


def pruned(trial: optuna.Trial, begin: float, slope: float) -> list[bool]:
    """Whether the pruner would end the trial, after each of 40 epochs."""
    answers = []
    for epoch in range(40):
        # scores that differ by the same in every epoch are ties to Wilcoxon's test, and slow
        trial.report(begin + slope * epoch * (1 + begin / 100), epoch)
        answers.append(trial.should_prune())
    return answers


def test_one_command_line_is_one_study():
    name = "hparams_search=alignn_fusion"
    config = composed(name)
    assert study_name(config, {}, "abc") == "alignn_fusion"
    data = {"data": "crystals", "data.path": "../x/mp20_text.csv", "data.target": "band_gap_eV"}
    assert study_name(config, data, "abc") == "alignn_fusion-mp20_text-band_gap_eV"
    assert study_name(composed(), {}, "abc").endswith("-abc")
    assert study_name(composed(name, "hydra.sweeper.study_name=mine"), data, "abc") == "mine"


@pytest.mark.parametrize("name", ["../../etc", "a/b", "/abs", "..", ".hidden", "a\\b", "", "é/ü"])
def test_names_stay_within_their_folder(name):
    safe = sanitised(name)
    assert Path("multirun", safe).parent == Path("multirun")
    assert safe not in ("", ".", "..")
    assert not safe.startswith(".")


@pytest.mark.parametrize("letter", ["a", "ü", "学"])
def test_long_names_fit_and_stay_apart(letter):
    first, second = (sanitised(letter * 300 + end) for end in "xy")
    assert first != second
    assert len(first.encode()) <= 120
    assert first.startswith(letter * 30)


@pytest.mark.parametrize("ours", ["minimize", "maximize"])
@pytest.mark.parametrize("sweepers", ["minimize", "maximize"])
@pytest.mark.parametrize("monitor", ["val/accuracy", "val/mae", "score"])
def test_a_search_for_the_worst_is_refused(monitor, ours, sweepers):
    right = {"val/accuracy": "maximize", "val/mae": "minimize"}.get(monitor)
    settings = {"monitor": monitor, "direction": ours}
    if right is None or {ours, sweepers} == {right}:
        _check_directions(settings, sweepers)
    else:
        with pytest.raises(InfeasibleConfig, match=f"add direction={right}"):
            _check_directions(settings, sweepers)


def test_settings_hold_what_is_not_searched():
    settings = defined("hparams_search=alignn_fusion").settings
    assert settings["monitor"] == "val/mae"
    assert not set(settings) & set(TABLE)


@pytest.mark.parametrize("name", ["alignn_fusion", "alignn_pareto", "causal_sets"])
def test_what_is_run_without_a_search_is_a_point_of_the_search(name):
    """`hydra.sweeper.enqueue=default` gives these searches their baseline."""
    found = defined(f"hparams_search={name}", "hydra.sweeper.enqueue=default")
    assert found.enqueued == [found.defaults]
