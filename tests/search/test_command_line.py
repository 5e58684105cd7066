"""Searches by the command line: what is sampled arrives, what is wrong is refused."""

import re

import pytest
import yaml

from trialsmith.search.domains import identity
from trialsmith.study.copying import move
from trialsmith.study.locate import open_study

pytestmark = pytest.mark.slow


def trial_config(app, trial, name):
    folder = app.folder / "multirun" / name / trial.user_attrs["folder"]
    return yaml.safe_load((folder / ".hydra" / "config.yaml").read_text())


def test_every_value_arrives_in_its_trial(app):
    output = app.search("hparams_search=full", "hydra.sweeper.n_jobs=2", "pause=0.01")
    study = app.study("full")
    assert app.states("full") == {"COMPLETE": 12}
    for trial in study.trials:
        config, point = trial_config(app, trial, "full"), trial.user_attrs["params"]
        assert identity(config["text"]) == identity(point["text"])
        assert config["part"]["width"] == {"small": 1, "large": 2}[point["part"]]
        assert ("part.layers" in point) == (point["part"] == "large")
        if "part.layers" in point:
            assert config["part"]["layers"] == point["part.layers"]
            assert (point["part.layers"] == "1") == (point["n"] == 3)
        assert config["pause"] == 0.01
        assert re.fullmatch(r"[\d-]+/[\d-]+/\d+", trial.user_attrs["folder"])
        assert int(trial.user_attrs["folder"].rpartition("/")[2]) == trial.number
        assert {"owner", "host", "versions", "seconds", "peak_memory_MB"} <= set(trial.user_attrs)
    assert "Best" in output


def test_a_search_file_of_the_stock_sweeper_runs_unchanged(app):
    text = """
# @package _global_
defaults:
  - override /hydra/sweeper: NAME
  - override /hydra/sweeper/sampler: tpe
hydra:
  sweeper:
    sampler:
      seed: 123
      n_startup_trials: 3
    direction: minimize
    study_name: sphere
    storage: null
    n_trials: 6
    n_jobs: 1
    max_failure_rate: 0.0
    params:
      x: interval(-5.5, 5.5)
      n: range(1, 9, step=2)
      text: choice(red, green, 'a b')
      +z: tag(log, interval(1, 100))
      epochs: 1
"""
    path = app.folder / "conf" / "hparams_search" / "stock.yaml"
    path.write_text(text.lstrip().replace("NAME", "optuna"))
    app.search("hparams_search=stock", "hydra.sweep.dir=stock")
    path.write_text(text.lstrip().replace("NAME", "trialsmith"))
    app.search("hparams_search=stock")
    trials = app.study("sphere").trials
    assert app.states("sphere") == {"COMPLETE": 6}
    for trial in trials:
        assert -5.5 <= trial.params["x"] <= 5.5
        assert trial.params["n"] in (1, 3, 5, 7)
        assert trial.params["text"] in ("red", "green", "a b")
        assert 1 <= trial.params["+z"] <= 100
        assert trial_config(app, trial, "sphere")["epochs"] == 1


def test_the_command_line_goes_before_the_search_file(app):
    app.search("hparams_search=plain", "x=0.25", "n=7,8,9", "~extra", "+new=1")
    study = app.study()
    assert {trial.user_attrs["params"]["n"] for trial in study.trials} == {7, 8, 9}
    assert len(study.trials) == 3  # every point of what is left
    for trial in study.trials:
        config = trial_config(app, trial, "plain")
        assert set(trial.user_attrs["params"]) == {"n"}
        assert config["x"] == 0.25
        assert config["new"] == 1
        assert "extra" not in config


def test_conditions_see_what_the_command_line_fixes(app):
    app.search("hparams_search=full", "part=large", "n=4", "hydra.sweeper.n_trials=3")
    points = [trial.user_attrs["params"] for trial in app.study("full").trials]
    assert all(set(point) == {"x", "text", "part.layers"} for point in points)
    assert {point["part.layers"] for point in points} <= {"2", "1,3"}
    app.search("hparams_search=full", "part=small", "hydra.sweeper.study_name=without")
    points = [trial.user_attrs["params"] for trial in app.study("without").trials]
    assert all(set(point) == {"x", "text", "n"} for point in points)


def test_a_search_without_a_file_has_its_own_study_and_goes_on(app):
    app.search("x=interval(0,1)", "hydra.sweeper.n_trials=2")
    app.search("x=interval(0,1)", "hydra.sweeper.n_trials=3")
    (folder,) = (app.folder / "multirun").iterdir()
    assert folder.name.startswith("program-")
    assert app.states(folder.name) == {"COMPLETE": 3}


def test_all_mistakes_are_named_before_the_first_trial(app):
    (app.folder / "conf" / "hparams_search" / "wrong.yaml").write_text(
        """# @package _global_
hydra:
  sweeper:
    params:
      txet: choice(a, b)
      x: {low: 2, high: 1}
      n: interval(5, 1)
      pause: {choices: [0.0], when: {nn: 1}}
      epochs: {choose: [1]}
"""
    )
    output = app.search("hparams_search=wrong", code=1)
    for words in ("x is empty", "n is empty", "pause: when nn", "epochs has 'choose'"):
        assert words in output
    assert "Traceback" not in output
    output = app.search("hparams_search=plain", "txet=1,2", "prat.width=1,2", code=1)
    assert "command line: txet is not a key of the configuration: did you mean text?" in output
    assert "prat.width is not a key of the configuration: did you mean part.width?" in output
    sweeps = ("x=tag(log,interval(0,1))", "n=range(8,1)")
    output = app.search("hparams_search=plain", *sweeps, code=1)
    assert "command line: x is logarithmic with low=0.0" in output
    assert "command line: n is empty: range(8,1)" in output
    assert "plain.yaml:" not in output
    assert not (app.folder / "multirun").exists()


def test_a_key_of_one_config_of_a_group_needs_its_condition(app):
    output = app.search("part=small,large", "part.layers='1','2'", code=1)
    assert "part.layers is not a key of the configuration where part=small" in output
    output = app.search("part=small,lrage", code=1)
    assert "part=lrage is not a config of its group: did you mean large?" in output


def test_another_space_is_refused_and_restart_begins_anew(app):
    app.search("hparams_search=plain", "hydra.sweeper.n_trials=2")
    output = app.search("hparams_search=plain", "n=1,2", code=1)
    assert "n: was" in output
    assert "+restart=true" in output
    output = app.search(
        "hparams_search=plain", "data.path=other.csv", "hydra.sweeper.study_name=plain", code=1
    )
    assert 'data.path: was null, is "other.csv"' in output
    app.search("hparams_search=plain", "n=1,2", "+restart=true")
    assert app.states() == {"COMPLETE": 4}
    assert len(list((app.folder / "multirun").glob("plain.2*"))) == 1


def test_a_check_looks_at_the_study_that_would_go_on(app):
    app.search("hparams_search=plain")
    check = ("hparams_search=plain", "hydra.sweeper.check=true", "hydra.sweeper.n_trials=9")
    assert "nothing stands in the way" in app.search(*check)
    output = app.search(*check, "n=range(1,7)", code=1)
    assert "the search space is not the one of study plain" in output
    assert app.states() == {"COMPLETE": 4}


def test_a_study_in_a_database_elsewhere_is_put_aside_and_both_are_found(app):
    arguments = ("hparams_search=plain", "hydra.sweeper.storage=sqlite:///all.db", "+restart=true")
    app.search(*arguments, "hydra.job.chdir=true", "hydra.sweeper.n_trials=1")
    output = app.search(*arguments, "hydra.job.chdir=true", "hydra.sweeper.n_trials=2")
    assert "+restart" not in output.partition("Go on")[2]
    old, new = sorted((app.folder / "multirun").glob("plain*"), key=lambda path: -len(path.name))
    assert [len(open_study(folder).trials) for folder in (old, new)] == [1, 2]


def test_a_study_that_was_moved_goes_on_there_and_is_not_begun_anew_where_it_was(app):
    search = ("hparams_search=plain", "hydra.sweeper.n_trials=3")
    app.search(*search, "hydra.sweeper.n_trials=1")
    folder = app.folder / "multirun" / "plain"
    for to, done in (("sqlite", 2), (f"sqlite:///{app.folder}/all.db", 3)):
        move(open_study(folder), folder, to)
        output = app.search(*search, "hydra.sweeper.storage=journal", code=1)
        assert f"has its study in {to}" in output
        assert "Traceback" not in output
        app.search(*search, f"hydra.sweeper.n_trials={done}")  # the same command as before
        assert [trial.number for trial in open_study(folder).trials] == list(range(done))
        assert not (folder / "study.journal").exists()


def test_pruning(app):
    pruner = ("hydra.sweeper.pruner.n_startup_trials=2", "hydra.sweeper.pruner.n_warmup_steps=0")
    app.search("hparams_search=plain", "hydra.sweeper.n_trials=9", "epochs=3", *pruner)
    states = app.states()
    assert states["PRUNED"] > 0
    assert states["PRUNED"] + states["COMPLETE"] == 9
    app.search("hparams_search=plain", "hydra/sweeper/pruner=none", "+restart=true", "epochs=3")
    assert app.states() == {"COMPLETE": 4}


def test_several_objectives(app):
    direction = "hydra.sweeper.direction=[minimize,maximize]"
    app.search("hparams_search=plain", "fate=two", direction)
    study = app.study()
    assert app.states() == {"COMPLETE": 4}
    assert [d.name for d in study.directions] == ["MINIMIZE", "MAXIMIZE"]
    output = app.search("hparams_search=plain", "fate=two", "+restart=true", code=1)
    assert "the task returned 2 values" in output


@pytest.mark.parametrize("fate", ["diverge", "memory"])
def test_bad_trials_do_not_end_a_search(app, fate):
    app.search("hparams_search=plain", f"fate={fate}")
    failures = {t.user_attrs.get("failure") for t in app.study().trials} - {None}
    assert app.states()["COMPLETE"] == 4
    assert failures == {{"diverge": "diverged", "memory": "out_of_memory"}[fate]}


def test_a_bug_ends_the_search_with_its_traceback_once(app):
    output = app.search("hparams_search=plain", "fate=error", code=1)
    assert output.count("Traceback") == 1
    assert 'raise KeyError("a bug")' in output
    assert app.states() == {"FAIL": 3}


def test_data_are_prepared_once_and_their_mistakes_come_first(app):
    prepare = "hydra.sweeper.prepare=data"
    app.search("hparams_search=plain", prepare)
    assert (app.folder / "prepared").read_text() == "once\n"
    output = app.search("hparams_search=plain", prepare, "data.path=broken.csv", code=1)
    assert "broken.csv, line 3: the target is not a number" in output
    assert "Traceback" not in output
    assert app.study("plain-broken").trials == []


def test_a_long_mistake_of_the_data_is_told_whole(app):
    settings = ("hparams_search=plain", "hydra.sweeper.prepare=data", "data.path=worse.csv")
    assert "that is all" in app.search(*settings, code=1)


def test_a_search_that_ended_before_its_first_trial_binds_nobody(app):
    settings = ("hparams_search=plain", "hydra.sweeper.prepare=data", "hydra.sweeper.study_name=s")
    app.search(*settings, "data.path=broken.csv", "x=interval(0,5)", code=1)
    app.search(*settings)
    assert app.study("s").user_attrs["space"]["parameters"].keys() == {"x", "n"}


def test_enqueued_points_are_run_first(app):
    app.search("hparams_search=plain", "hydra.sweeper.enqueue=[{x: 0.25, n: 3},default]")
    first, second = (trial.user_attrs["params"] for trial in app.study().trials[:2])
    assert first == {"x": 0.25, "n": 3}
    assert second == {"x": 0.5, "n": 1} == app.study().user_attrs["defaults"]
    output = app.search("hparams_search=plain", "hydra.sweeper.enqueue=[{x: 5}]", code=1)
    assert "x=5 is outside 0.0 to 1.0" in output
    own = ("x=interval(0.6,1)", "hydra.sweeper.enqueue=default")
    assert "x=0.5 is outside 0.6 to 1.0" in app.search("hparams_search=plain", *own, code=1)


def test_sqlite(app):
    app.search("hparams_search=plain", "hydra.sweeper.storage=sqlite", "hydra.sweeper.n_jobs=2")
    assert app.states(storage="sqlite") == {"COMPLETE": 4}


def test_the_joblib_launcher_runs_without_a_barrier_too(app):
    app.search(
        "hparams_search=plain",
        "hydra/launcher=joblib",
        "hydra.launcher.n_jobs=2",
        "hydra.sweeper.n_jobs=2",
    )
    assert app.states() == {"COMPLETE": 4}
    assert all(trial.user_attrs["folder"] for trial in app.study().trials)


def test_a_grid_heeds_conditions_and_refuses_a_continuum(app):
    grid = "hydra/sweeper/sampler=grid"
    app.search("part=small,large", "n=1,2", "hydra.sweeper.study_name=g", grid)
    assert app.states("g") == {"COMPLETE": 4}
    output = app.search("x=interval(0,1)", grid, code=1)
    assert "x: a continuum of values" in output


def test_names_cannot_lead_out_of_the_studies_folder(app):
    app.search("hparams_search=plain", "hydra.sweeper.study_name=../../out/side")
    (folder,) = (app.folder / "multirun").iterdir()
    assert folder.name == "out_side"
