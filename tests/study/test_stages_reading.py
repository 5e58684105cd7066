"""From a study and its trials' folders to a stage's runs, and to what the next one takes over."""

import json
import logging
import math
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml
from optuna.trial import TrialState
from rich.console import Console
from study_examples import begin

from trialsmith.errors import SearchError
from trialsmith.study.stages.finished import lacking, note_asked
from trialsmith.study.stages.report import report
from trialsmith.study.stages.run import Weights, read_runs
from trialsmith.study.stages.stage import Stage
from trialsmith.study.table import read

WEIGHTS = """epoch,site,layer,w_graph,w_text,ratio,spread,gate,gate_spread,entropy,entropy_spread
1,dynamic,1,0.5,0.5,3.0,0.1,,,,
1,dynamic,3,0.6,0.4,4.0,0.1,,,,
1,cross_modal.graph,,,,,,,,0.3,0.1
2,dynamic,1,0.7,0.3,5.67,0.1,,,,
2,dynamic,3,0.8,0.2,9.0,0.1,,,,
"""
HISTORY = "epoch,train/loss,val/loss\n1,1.0,2.0\n2,0.5,\n3,0.25,1.5\n"


def add_trial(study: optuna.Study, folder: Path, layers: str | None, score: float) -> None:
    """A trial that is over, and what it leaves in its folder."""
    trial = study.ask()
    point: dict[str, Any] = {"fusion.dynamic.use": layers is not None}
    if layers is not None:
        point["fusion.dynamic.layers"] = layers
    trial.set_user_attr("params", {**point, "seed": 7})
    trial.set_user_attr("folder", str(trial.number))
    study.tell(trial, score)
    dynamic = {"_target_": "x", "use": layers is not None, "layers": layers or [2]}
    config = {
        "seed": 7,
        "data": {"texts": "given"},
        "fusion": {"_target_": "y", "alignment": {"use": False}, "dynamic": dynamic},
    }
    own = folder / str(trial.number)
    own.mkdir()
    (own / "config.yaml").write_text(yaml.safe_dump(config))
    metrics = {"best": score, "val": {"y": {"mae": score}}, "test": {"y": {"mae": 2 * score}}}
    (own / "metrics.json").write_text(json.dumps(metrics))
    (own / "history.csv").write_text(HISTORY)
    if layers is not None:
        (own / "fusion_weights.csv").write_text(WEIGHTS)


@pytest.fixture
def stage(tmp_path: Path) -> optuna.Study:
    """Fused after "1,3", and graph only."""
    study = begin(tmp_path / "layers")
    add_trial(study, tmp_path / "layers", "1,3", 0.1)
    add_trial(study, tmp_path / "layers", None, 0.2)
    note_asked(study, n_trials=2, points=6)
    study.set_user_attr("space", {"parameters": {"fusion.dynamic.layers": []}})
    return study


def test_a_run_is_what_its_folder_tells(stage: optuna.Study, tmp_path: Path) -> None:
    fused, graph = read_runs(read(stage), tmp_path / "layers")
    assert (fused.layers, fused.sites, fused.seed) == ((1, 3), ("dynamic",), 7)
    assert (fused.val_mae, fused.test_mae) == (0.1, 0.2)
    assert fused.params == {"fusion.dynamic.use": True, "fusion.dynamic.layers": "1,3"}
    assert fused.final_weights == (Weights(2, 1, 0.7, 0.3), Weights(2, 3, 0.8, 0.2))
    assert fused.final_weights[1].ratio == pytest.approx(9)
    assert fused.train_loss == (1.0, 0.5, 0.25)
    assert fused.val_loss == (2.0, 1.5)  # one epoch was not validated
    assert (graph.layers, graph.sites, graph.weights) == ((), (), ())


def test_a_run_without_its_folder_is_left_out_and_said(
    stage: optuna.Study, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "layers" / "1" / "metrics.json").unlink()
    with caplog.at_level(logging.WARNING):
        assert [run.number for run in read_runs(read(stage), tmp_path / "layers")] == [0]
    assert "trial 1 is left out" in caplog.text


def test_several_targets_have_no_one_test_error(stage: optuna.Study, tmp_path: Path) -> None:
    path = tmp_path / "layers" / "0" / "metrics.json"
    path.write_text(json.dumps({"test": {"a": {"mae": 1.0}, "b": {"mae": 2.0}}}))
    assert math.isnan(read_runs(read(stage), tmp_path / "layers")[0].test_mae)


def test_a_report_names_the_next_command_only_at_the_end_and_says_what_is_lacking(
    stage: optuna.Study, tmp_path: Path
) -> None:
    folder = tmp_path / "layers"
    words = ["train.py", "-m", "hparams_search=layers", "+restart=true", "x=1"]
    Stage(then="tuning").note(stage, words, named=False)
    command = "python train.py -m hparams_search=tuning x=1"

    def shown() -> tuple[str, str]:
        console = Console(width=60)
        with console.capture() as capture:
            console.print(report(stage, folder), crop=False)
        return capture.get(), (folder / "comparison.html").read_text()

    for text in shown():
        assert command in text
        assert "not at its end" not in text
    note_asked(stage, n_trials=3, points=6)
    for text in shown():
        assert command not in text
        assert "not at its end: 2 of 3 trials are done" in text


def test_a_plans_overrides_are_kept_until_others_come(stage: optuna.Study) -> None:
    def noted(own: dict[str, list[str]] | None) -> object:
        Stage().note(stage, ["train.py"], named=False, own=own)
        return stage.user_attrs["stage"]["own"]

    assert noted(None) == {}
    for own in ({"layers": ["x=1"]}, None):
        assert noted(own) == {"layers": ["x=1"]}
    assert noted({"layers": []}) == {"layers": []}


def test_a_search_is_at_its_end_when_its_trials_are_done_or_its_points_tried() -> None:
    study = optuna.create_study()
    assert lacking(study) == "its search has not begun"
    note_asked(study, n_trials=2, points=None)
    for k in range(2):
        assert lacking(study) == f"{k} of 2 trials are done"
        study.tell(study.ask(), 0.0)
    assert lacking(study) is None
    note_asked(study, n_trials=4, points=None)
    assert lacking(study) == "2 of 4 trials are done"


def test_points_that_only_fail_again_are_tried_points() -> None:
    study = optuna.create_study()
    note_asked(study, n_trials=2, points=2)
    for k, state in enumerate((TrialState.COMPLETE, TrialState.FAIL)):
        trial = study.ask()
        trial.set_user_attr("params", {"k": k})
        trial.set_user_attr("failure", "diverged" if state == TrialState.FAIL else "")
        assert lacking(study) is not None
        study.tell(trial, 0.0 if state == TrialState.COMPLETE else None, state=state)
    assert lacking(study) is None


def test_a_stage_that_is_not_at_its_end_passes_nothing_on(
    stage: optuna.Study, tmp_path: Path
) -> None:
    folder = tmp_path / "layers"
    assert Stage(candidates=2).entries(stage, folder, own=()) == {
        "fusion.dynamic.use": [{"choices": [True]}],
        "fusion.dynamic.layers": [{"choices": ["1,3"]}],
    }
    Stage().note(stage, ["train.py", "-m", "data.path=a b"], named=False)
    note_asked(stage, n_trials=3, points=6)
    with pytest.raises(SearchError, match="2 of 3 trials are done") as refused:
        Stage().entries(stage, folder, own=())
    assert "python train.py -m 'data.path=a b'" in str(refused.value)
    assert Stage(unfinished=True).entries(stage, folder, own=())


def test_graph_only_alone_passes_nothing_on(tmp_path: Path) -> None:
    study = begin(tmp_path / "layers")
    add_trial(study, tmp_path / "layers", None, 0.2)
    with pytest.raises(SearchError, match="nothing passes on"):
        Stage(unfinished=True).entries(study, tmp_path / "layers", own=())


def test_another_score_is_refused(tmp_path: Path) -> None:
    study = begin(tmp_path / "growing", ["maximize"])
    with pytest.raises(SearchError, match=r"val/mae \(maximize\): stages compare by"):
        Stage(unfinished=True).entries(study, tmp_path / "growing", own=())


def test_before_the_first_complete_trial_there_is_nothing_to_compare(tmp_path: Path) -> None:
    study = begin(tmp_path / "empty")
    assert "nothing to compare yet" in str(report(study, tmp_path / "empty"))
