"""What a stage's comparison says of its runs."""

import csv
import io
import json
import math
import re
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from scipy import stats
from stage_examples import run

from trialsmith.study.stages.comparison import Comparison, compared
from trialsmith.study.stages.controls import verdicts
from trialsmith.study.stages.estimate import estimate
from trialsmith.study.stages.page import comparison_page
from trialsmith.study.stages.run import Run
from trialsmith.study.stages.screen import screen
from trialsmith.study.stages.stability import backtracking
from trialsmith.study.stages.summary import results_summary


def stage_1() -> Comparison:
    """Graph only in the middle; "2,3" the best, "1" close to it."""
    return compared(
        "layers",
        "eV",
        [
            run(0, "1", 0.102, 0.12),
            run(1, "2", 0.125, 0.13),
            run(2, "2,3", 0.100, 0.11),
            run(3, "none", 0.110, 0.10),
            run(4, "3", 0.130, 0.13, weights=(0.95, 0.05)),
        ],
    )


def stage_3(true: Iterable[float], shuffled: Iterable[float], graph: Iterable[float]) -> Comparison:
    """Three arms by seeds, with these test errors."""
    arms = {("2", "given"): true, ("2", "shuffled"): shuffled, ("none", "given"): graph}
    runs: list[Run] = []
    for (layers, texts), errors in arms.items():
        for seed, error in enumerate(errors):
            runs.append(run(len(runs), layers, error / 2, error, seed=seed, texts=texts))
    return compared("validation", "eV", runs)


def test_rows_are_sorted_and_gains_are_of_the_best() -> None:
    found = stage_1()
    assert [row.fusion_layers for row in found.rows] == ["2,3", "1", "none", "2", "3"]
    assert found.gain(found.baseline) == pytest.approx(1 - 0.100 / 0.125)
    assert found.gain(found.graph_only) == pytest.approx(1 - 0.100 / 0.110)


def test_the_rules_choice_passes_on_first_and_graph_only_never() -> None:
    found = stage_1()
    assert [row.fusion_layers for row in found.passing(9)] == ["1", "2,3", "2", "3"]
    assert [row.fusion_layers for row in found.passing(2)] == ["1", "2,3"]


def test_the_ratio_is_of_the_last_epochs_mean_weights() -> None:
    row = stage_1().rows[0]
    assert (row.w_graph, row.w_text) == pytest.approx((0.7, 0.3))
    assert row.ratio == pytest.approx(1.7 / 0.3)
    assert math.isnan(stage_1().graph_only.ratio)  # type: ignore[union-attr]


def test_labels_tell_all_rows_apart() -> None:
    runs = [run(k, "2", 0.1 + k, **{"optimizer.lr": k}) for k in range(3)]
    found = compared("x", "", [*runs, *(run(9, "2", 0.5, texts="shuffled"),)])
    labels = [found.label(row) for row in found.rows]
    assert len(set(labels)) == 4


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20))
def test_the_interval_is_students(values: list[float]) -> None:
    found = estimate(values)
    spread = stats.sem(values)
    assert found.mean == pytest.approx(np.mean(values), abs=1e-9)
    half = stats.t.ppf(0.975, len(values) - 1) * spread
    assert found.half_width == pytest.approx(half, rel=1e-9, abs=1e-9)


def test_what_is_not_known_has_no_interval() -> None:
    assert math.isnan(estimate([1.0]).half_width)
    assert math.isnan(estimate([1.0, math.nan, 2.0]).mean)
    assert math.isnan(estimate([]).mean)


def test_differences_are_paired_by_seed() -> None:
    graph = [1.0, 2.0, 3.0, 4.0]
    controls = stage_3([0.9, 1.9, 2.9, 3.91], [1.0, 2.0, 3.0, 4.01], graph).controls
    assert controls is not None
    assert controls.split == "test"
    true, shuffled, _ = controls.arms
    expected = stats.ttest_rel([0.9, 1.9, 2.9, 3.91], graph).confidence_interval()
    assert true.to_graph_only.low == pytest.approx(expected.low)
    assert true.to_graph_only.high == pytest.approx(expected.high)
    # the seeds differ by 1 and more, and yet a tenth is seen
    assert true.to_graph_only.high < 0 < shuffled.to_true_text.low


@pytest.mark.parametrize(
    ("true", "shuffled", "words"),
    [
        (0.8, 1.0, ["Text helps", "it reads what the true texts say"]),
        (0.8, 0.8, ["Text helps", "need not come from what the texts say"]),
        (1.0, 1.0, ["not shown to help on these data", "need not come from what the texts say"]),
        (1.2, 1.0, ["Text does not help on these data: it does harm", "mislead"]),
    ],
)
def test_the_controls_are_said_in_words(true: float, shuffled: float, words: list[str]) -> None:
    noise = np.array([0.001, -0.001, 0.0])
    graph = 1 + noise[::-1]
    controls = stage_3(true + noise, shuffled + noise[[1, 0, 2]], graph).controls
    assert controls is not None
    for sentence, word in zip(verdicts(controls), words, strict=True):
        assert word in sentence


def test_one_seed_leaves_the_question_open() -> None:
    controls = stage_3([0.8], [1.0], [1.0]).controls
    assert controls is not None
    assert all("open" in sentence for sentence in verdicts(controls))
    assert stage_1().controls is None  # no control was run


def test_changed_texts_are_never_chosen() -> None:
    found = stage_3([1.0, 1.0], [0.5, 0.5], [2.0, 2.0])
    assert found.rows[0].arm == "shuffled text"
    assert found.best is not None
    assert found.best.arm == "true text"
    assert [row.arm for row in found.passing(3)] == ["true text"]


@given(st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=30), st.floats(0.1, 10))
def test_backtracking_is_a_share_whatever_the_losss_unit(losses: list[float], unit: float) -> None:
    share = backtracking(losses)
    assert math.isnan(share) or 0 <= share <= 1
    scaled = backtracking([unit * loss for loss in losses])
    assert scaled == pytest.approx(share, abs=1e-6, nan_ok=True)


def test_backtracking_of_known_curves() -> None:
    assert backtracking([8.0, 4.0, 2.0, 1.0]) == 0
    assert backtracking([1.0, 2.0, 4.0]) == 1
    assert backtracking([4.0, 1.0, 4.0]) == pytest.approx(1 / 2)
    assert math.isnan(backtracking([1.0, 1.0, 1.0]))
    assert math.isnan(backtracking([1.0, -1.0]))


def test_the_summary_reads_back() -> None:
    rows = list(csv.DictReader(io.StringIO(results_summary(stage_1()))))
    assert [row["fusion_layers"] for row in rows] == ["2,3", "1", "none", "2", "3"]
    assert [row["chosen"] for row in rows] == ["false", "true", "false", "false", "false"]
    assert float(rows[0]["best_val_mae"]) == 0.1
    assert rows[2]["ratio"] == rows[2]["w_text"] == ""
    assert rows[4]["ratio_judged"] == "text is ignored"


def test_screen_and_page_say_all_six_parts() -> None:
    found = stage_3([0.8, 0.81, 0.8], [1.0, 1.01, 1.03], [1.0, 1.0, 1.1])
    console = Console(width=60)  # narrow: nothing may be cut
    with console.capture() as capture:
        console.print(screen(found, [], {"Next stage": "python train.py 'a b'"}), crop=False)
    page = comparison_page(found, {"Next stage": "python train.py 'a b'"})
    parts = ["best_val_mae (eV)", "over graph only", "healthy from 3 to 10", "lowest MAE"]
    parts += ["top 2", "came down", "from validation MAE", "Text helps", "± "]
    for text in (capture.get(), re.sub("&#x27;", "'", page)):
        for part in [*parts, "python train.py 'a b'"]:
            assert part in text
    assert "…" not in capture.get()


def test_the_pages_pictures_hold_the_curves() -> None:
    page = comparison_page(stage_1(), {})
    contents = re.findall(r'id="content\d">(.*?)</script>', page)
    errors, ratios, losses = (json.loads(content) for content in contents)
    assert errors["data"][0]["y"] == [0.1, 0.102, 0.11, 0.125, 0.13]
    assert len(ratios["data"]) == 5  # one for each fused layer of each row
    assert ratios["data"][0]["y"] == pytest.approx([1.7 / 0.3] * 2)
    assert len(losses["data"]) == 10
    assert "http" not in page  # it works without a network
