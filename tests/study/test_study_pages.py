"""Pages: valid figures, no network, and no text that becomes markup."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import optuna
import plotly.graph_objects as go
import pytest
from study_examples import NASTY, begin, search

from trialsmith.study.figures import history, pages
from trialsmith.study.page import PLOTLY, page
from trialsmith.study.parallel import parallel_coordinates
from trialsmith.study.table import StudyTable, read


class Outline(HTMLParser):
    """The elements of a page, the addresses it loads, the figure in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.addresses: list[str] = []
        self.content = ""
        self._in_content = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        self._in_content = ("id", "content") in attrs

    def handle_endtag(self, tag: str) -> None:
        self._in_content = False

    def handle_data(self, data: str) -> None:
        if self._in_content:
            self.content += data

    @property
    def figure(self) -> dict:
        return json.loads(self.content)


def several(folder: Path) -> StudyTable:
    study = begin(folder, ["minimize", "maximize"])
    search(study, 30, fails=lambda k: k % 7 == 3)
    return read(study)


@pytest.fixture(params=["one objective", "two objectives"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> StudyTable:
    if request.param == "two objectives":
        return several(tmp_path / "pareto")
    return read(request.getfixturevalue("conditional"))


def test_figures_are_valid_plotly(table: StudyTable) -> None:
    for text in pages(table).values():
        figure = Outline(text).figure
        go.Figure(figure)  # raises for a property that plotly does not know


def test_nothing_comes_from_the_network(table: StudyTable) -> None:
    for text in pages(table).values():
        assert Outline(text).addresses == [PLOTLY]
        assert not re.search(r"(https?:)?//\w", text)


def test_no_text_becomes_markup(conditional: optuna.Study) -> None:
    plain, nasty = read(conditional), optuna.create_study(study_name=NASTY)
    nasty.set_user_attr("metric", NASTY)
    nasty.set_user_attr("unit", NASTY)
    for k in range(20):
        trial = nasty.ask()
        trial.suggest_categorical(NASTY, [NASTY, "&lt;i&gt;", "$figure"])
        trial.set_user_attr("message", NASTY)
        if k % 2:
            nasty.tell(trial, float(k))
        else:
            nasty.tell(trial, state=optuna.trial.TrialState.FAIL)
    for one, other in zip(pages(plain).values(), pages(read(nasty)).values(), strict=True):
        assert Outline(one).elements == Outline(other).elements
        content = Outline(other).content
        assert "<" not in content
        # plotly renders <b> and <a> in labels: only parallel coordinates' ticks are plain text
        labels = json.dumps(
            [
                {k: v for k, v in d.items() if k != "dimensions"}
                for d in Outline(other).figure["data"]
            ]
        )
        assert "<b>all" not in labels


def test_absent_parameters_have_a_lane_below_all_values(conditional: optuna.Study) -> None:
    table = read(conditional)
    trials = [trial for trial in table.trials if trial.scored]
    (trace,) = parallel_coordinates(table, trials)["data"]
    (axis,) = [a for a in trace["dimensions"] if a["label"] == "fusion.middle.layers"]
    lane = axis["tickvals"][axis["ticktext"].index("absent")]
    for trial, value in zip(trials, axis["values"], strict=True):
        assert (value == lane) == ("fusion.middle.layers" not in trial.params)
        assert value >= lane == axis["range"][0]


def test_history_shows_every_trial_once(conditional: optuna.Study) -> None:
    table = read(conditional)
    traces = {trace["name"]: trace for trace in history(table)["data"]}
    for state in ("complete", "pruned", "failed"):
        numbers = [trial.number for trial in table.trials if trial.state == state]
        assert traces[state]["x"] == numbers
    best = traces["best so far"]["y"]
    assert best == sorted(best, reverse=True)
    assert best[-1] == table.best.values[0]


@pytest.mark.parametrize("directions", [["minimize"], ["minimize", "maximize"]])
@pytest.mark.parametrize("trials", range(8))
def test_few_trials_make_a_page_too(trials: int, directions: list[str], tmp_path: Path) -> None:
    study = begin(tmp_path / "few", directions)
    search(study, trials, fails=lambda k: k < 2)
    for text in pages(read(study)).values():
        outline = Outline(text)
        assert outline.elements.count("h1") == 1
        if outline.content:
            go.Figure(outline.figure)


@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_infinite_values_are_left_out(value: float) -> None:
    study = optuna.create_study()
    for k in range(12):
        trial = study.ask()
        trial.suggest_float("x", 0, 1)
        study.tell(trial, value if k % 3 == 0 else float(k))
    for text in pages(read(study)).values():
        assert "Infinity" not in Outline(text).content


def test_a_page_without_a_figure_loads_nothing() -> None:
    assert Outline(page("title", "note", None)).addresses == []
