"""What the sections say of a study is true of it."""

import csv
import math
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from report_examples import BEGIN, EDGES, failed, study_of, trial

from trialsmith.callbacks import save_result
from trialsmith.data import Target
from trialsmith.result import Predictions
from trialsmith.study.report.baseline import baseline
from trialsmith.study.report.configuration import at_an_edge, values
from trialsmith.study.report.curves import MOST, curves
from trialsmith.study.report.failures import failures
from trialsmith.study.report.history import leaders
from trialsmith.study.report.pareto import pareto
from trialsmith.study.report.parity import CLASSES, parity
from trialsmith.study.report.pruning import saving
from trialsmith.study.report.runs import Prediction, Run, read_run
from trialsmith.study.report.section import spread
from trialsmith.study.report.span import span_of
from trialsmith.study.report.timeline import timeline
from trialsmith.study.report.uncertainty import interval, interval_of_difference, scored_by
from trialsmith.study.report.verdict import verdict
from trialsmith.study.table import read


def predictions(error: float, n: int = 400, seed: int = 0) -> Prediction:
    """Of n samples, with errors of the standard deviation `error`."""
    noise = np.random.default_rng(seed).normal(0, error, n)
    true = np.arange(n) / n
    ids = [f"s{k}" for k in range(n)]
    return Prediction("e", "val", ids, true.tolist(), (true + noise).tolist())


def mae(prediction: Prediction) -> float:
    pairs = zip(prediction.true, prediction.predicted, strict=True)
    return sum(abs(p - t) for t, p in pairs) / len(prediction.true)


# What is compared ----------------------------------------------------------------------------


def test_the_baseline_is_the_first_enqueued_trial_with_a_score() -> None:
    table = study_of(
        [
            trial(0, 0.1),
            trial(1, state=TrialState.FAIL, enqueued={"lr": 1}),
            trial(2, 0.5, enqueued={"lr": 1}),
            trial(3, 0.2, enqueued={"lr": 2}),
        ]
    )
    found = baseline(table)
    assert found is not None
    assert (found.trial.number, found.why) == (2, "enqueued")


def test_the_default_values_are_a_baseline_where_they_were_run() -> None:
    table = study_of([trial(0, 0.1), trial(1, 0.2)])
    for defaults in ({"lr": 0.01, "part": "b", "more": 3}, {"lr": 0.01}, {"lr": 0.01, "part": "a"}):
        table.attributes["defaults"] = defaults
        assert baseline(table) is None
    table.attributes["defaults"] = {"+part": "b", "lr": 0.01}
    found = baseline(table)
    assert found is not None
    assert (found.trial.number, found.why) == (1, "the default values")


def test_without_a_baseline_it_is_told_how_to_get_one() -> None:
    table = study_of([trial(0, 0.1)])

    def told() -> str:
        return " ".join(verdict(table, table.best, None, (read_run(Path(), None),) * 2).remarks)

    table.attributes["defaults"] = {"lr": 1.0, "part": "b"}
    assert "hydra.sweeper.enqueue=default" in told()
    table.attributes["defaults"] = "lr=2 is above 1"
    assert "lr=2 is above 1" in told()
    assert "=default" not in told()
    waits = trial(1, state=TrialState.WAITING, enqueued={"lr": 1.0})
    table = study_of([trial(0, 0.1), waits])
    assert baseline(table) is None
    assert "waits" in told()


def test_an_interval_is_that_of_the_mean() -> None:
    prediction = predictions(0.1)
    known = scored_by([prediction], "val/mae", mae(prediction))
    assert known is not None
    found = interval(*known)
    assert found is not None
    errors = np.abs(np.array(prediction.predicted) - np.array(prediction.true))
    half = 1.96 * errors.std() / math.sqrt(len(errors))
    assert found.low == pytest.approx(errors.mean() - half, abs=0.2 * half)
    assert found.high == pytest.approx(errors.mean() + half, abs=0.2 * half)


def test_paired_differences_are_known_better_than_their_parts() -> None:
    one = predictions(0.1)
    other = Prediction("e", "val", one.ids, one.true, [p + 0.001 for p in one.predicted])
    known = scored_by([one], "val/mae", mae(one))
    assert known is not None
    own, gain = interval(*known), interval_of_difference(one, other, known[1])
    assert own is not None
    assert gain is not None
    assert gain.high - gain.low < 0.1 * (own.high - own.low)
    same = interval_of_difference(one, one, known[1])
    assert same is not None
    assert (same.low, same.high) == (0, 0)


def test_the_order_of_samples_does_not_matter_but_their_names_do() -> None:
    one, other = predictions(0.1), predictions(0.2, seed=1)
    turned = Prediction("e", "val", other.ids[::-1], other.true[::-1], other.predicted[::-1])
    known = scored_by([one], "val/mae", mae(one))
    assert known is not None
    assert interval_of_difference(one, other, known[1]) == interval_of_difference(
        one, turned, known[1]
    )
    renamed = Prediction("e", "val", [f"x{k}" for k in range(400)], other.true, other.predicted)
    assert interval_of_difference(one, renamed, known[1]) is None


def test_an_interval_needs_the_predictions_of_the_score() -> None:
    prediction = predictions(0.1)
    assert scored_by([prediction], "val/mae", 1.01 * mae(prediction)) is None
    assert scored_by([prediction], "val/loss", mae(prediction)) is None
    assert scored_by([prediction, prediction], "val/mae", mae(prediction)) is None


def test_a_best_value_at_the_end_of_its_range_is_told() -> None:
    table = study_of([trial(0, 0.1)])  # lr = 0.1 of 1e-5 … 1, logarithmic: at 0.8
    assert at_an_edge(values(table.best, None)) == []
    (lr, part) = values(table.best, None)
    assert lr.at == pytest.approx(0.8)
    assert (part.choices, part.best) == (["a", "b"], "a")


def test_choices_are_shown_as_they_were_given() -> None:
    study = optuna.create_study()
    asked = study.ask()
    asked.suggest_categorical("norm", ["null", '"batch"', "true"])  # as the search stores them
    chosen = {"null": None, '"batch"': "batch", "true": True}[asked.params["norm"]]
    asked.set_user_attr("params", {"norm": chosen})
    study.tell(asked, 1.0)
    (value,) = values(read(study).best, None)
    assert value.choices == ["null", "batch", "true"]
    assert value.best in value.choices


# What is drawn -------------------------------------------------------------------------------


def test_leaders_get_better_and_end_with_the_best() -> None:
    for name in ("maximize", "not finite", "one"):
        table = EDGES[name]
        signed = [table.signs[0] * row.values[0] for row in leaders(table)]
        assert signed == sorted(set(signed), reverse=True)
    assert leaders(EDGES["maximize"])[-1] == EDGES["maximize"].best


def test_outliers_are_hidden_but_never_what_is_kept() -> None:
    values = [1 + k / 100 for k in range(100)]
    assert span_of(values).hidden == 0
    span = span_of([*values, 1e6])
    assert (span.hidden, span.high) == (1, pytest.approx(1.99))
    assert span_of([*values, 1e6], kept=[1e6]).high == 1e6


@pytest.mark.parametrize("most", [2, 7, 50, 200])
def test_thinning_keeps_order_and_both_ends(most: int) -> None:
    chosen = spread(range(100), most)
    assert len(chosen) == min(most, 100)
    assert (chosen[0], chosen[-1]) == (0, 99)
    assert chosen == sorted(set(chosen))


def test_many_curves_are_thinned_and_pruned_ones_marked() -> None:
    complete = [trial(k, 0.1 * k, epochs=200) for k in range(1, 300)]
    table = study_of([*complete, trial(300, state=TrialState.PRUNED, epochs=3)])
    section = curves(table, None)
    assert section is not None
    by_name = {trace["name"]: trace for trace in section.drawings[0].data}
    assert by_name["pruned here"]["x"] == [3]
    assert by_name["complete"]["x"].count(None) == MOST
    assert 0 in by_name["complete"]["customdata"]  # the best one is among them


def test_the_front_of_the_picture_is_the_front() -> None:
    for name in ("front", "three objectives"):
        table = EDGES[name]
        section = pareto(table, None)
        assert section is not None
        for drawing in section.drawings:
            marked = next(trace for trace in drawing.data if trace["name"] == "front")
            assert set(marked["customdata"]) == {row.number for row in table.front}
    assert pareto(EDGES["one"], None) is None


def test_of_many_classes_the_most_common_ones_need_not_meet() -> None:
    true, taken_for = ([f"{name}{k}" for k in range(CLASSES)] for name in "ab")
    ids = [f"s{k}" for k in range(CLASSES)]
    run = Run([Prediction("kind", "val", ids, true, taken_for, classes=True)])
    section = parity(EDGES["one"].best, run)
    assert section is not None
    assert section.drawings[0].note == "Accuracy 0.0% over 30 samples."


# Time ----------------------------------------------------------------------------------------


def test_slots_hold_one_trial_at_a_time_and_pauses_are_cut_out() -> None:
    table = study_of(
        [
            trial(0, 1.0, begin=0),
            trial(1, 1.0, begin=0, seconds=5),
            trial(2, 1.0, begin=6),
            trial(3, 1.0, begin=10_000, seconds=20),
        ]
    )
    found = timeline(table, BEGIN + timedelta(days=9), lambda row: False)
    assert found is not None
    assert len(found.lanes) == 2
    for lane in range(2):
        own = sorted((bar.begin, bar.end) for bar in found.bars if bar.lane == lane)
        assert all(before[1] <= after[0] + 0.02 for before, after in pairwise(own))
    ((position, pause),) = found.pauses
    assert (position, pause) == (16, 10_000 - 16)
    assert (found.seconds, found.used, found.offered) == (36, 45, 2 * 16 + 20)


def test_a_running_trial_lasts_until_now_if_somebody_runs_it() -> None:
    table = study_of([trial(0, 1.0), trial(1, state=TrialState.RUNNING)])
    now = BEGIN + timedelta(seconds=25)
    ends = {}
    for alive in (True, False):
        found = timeline(table, now, lambda row, alive=alive: alive)
        assert found is not None
        ends[alive] = found.bars[-1].end
    assert ends == {True: 25, False: 10}


def test_what_pruning_saved() -> None:
    pruned = [trial(k, state=TrialState.PRUNED, epochs=5, seconds=10.0) for k in (1, 2)]
    table = study_of([trial(0, 1.0, epochs=20, seconds=40.0), *pruned])
    found = saving(table)
    assert found is not None
    assert (found.full, found.epochs, found.trained) == (20, 2 * 15, 30)
    assert found.seconds == 2 * 15 * 2.0
    assert (found.share, found.trials) == (0.5, 1.5)
    assert saving(EDGES["one"]) is None


# Failures and files --------------------------------------------------------------------------


def test_failures_are_counted_by_kind_and_first_line() -> None:
    rows = [failed(k, "diverged", f"nan in epoch {k % 3}\n  more") for k in range(9)]
    table = study_of([*rows, failed(9, "out_of_memory", "\n CUDA out of memory ")])
    kinds = failures(table, most=2)
    assert [(kind.name, kind.count, kind.more) for kind in kinds] == [
        ("diverged", 9, 3),
        ("out of memory", 1, 0),
    ]
    assert kinds[1].failures[0].line == "CUDA out of memory"


def test_torn_files_are_left_out(tmp_path: Path) -> None:
    table = EDGES["one"]
    place = tmp_path / str(table.trials[0].folder)
    place.mkdir(parents=True)
    (place / "predictions.csv").write_text("id,split,e_true,e_predicted\na,val,1.0,1.5\nb,val,2")
    (place / "provenance.yaml").write_text("a: [")
    run = read_run(tmp_path, table.best)
    assert (run.predictions, run.provenance) == ([], {})
    (place / "predictions.csv").write_text("id,split,e_true,e_predicted\na,val,1.0,1.5\n")
    (prediction,) = read_run(tmp_path, table.best).predictions
    assert (prediction.true, prediction.predicted) == ([1.0], [1.5])


@pytest.mark.parametrize("classes", [(), ("=1+1", "-cat", "'dog'")])
def test_what_a_spreadsheet_would_run_is_guarded_in_a_runs_table_and_read_as_it_was(
    classes: tuple[str, ...], tmp_path: Path
) -> None:
    table = EDGES["one"]
    place = tmp_path / str(table.trials[0].folder)
    place.mkdir(parents=True)
    ids = ["=HYPERLINK(1)", "-1.5", "'a'"]
    true = np.arange(3) if classes else np.ones((3, 1), np.float32)
    predicted = np.eye(3, dtype=np.float32) if classes else -true
    target = Target("class", classes=classes) if classes else Target("=e")
    save_result(place, {}, [target], {"val": Predictions(ids, predicted, true)})
    with (place / "predictions.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert not any(cell.startswith(("=", "-cat", "@")) for row in (header, *rows) for cell in row)
    assert rows[1][0] == "-1.5"  # a number is no formula
    (prediction,) = read_run(tmp_path, table.best).predictions
    assert (prediction.ids, prediction.target) == (ids, target.name)
    assert prediction.true == list(classes or [1.0] * 3)
    assert prediction.predicted == list(classes or [-1.0] * 3)
