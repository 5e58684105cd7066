"""The page as a whole: alone, escaped, and there for any study."""

from pathlib import Path
from urllib.parse import unquote

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import create_trial
from report_examples import EDGES, Page, folders
from study_examples import NASTY

from trialsmith.study.report import NAME, report_page
from trialsmith.study.table import read


@pytest.mark.parametrize("name", EDGES)
def test_any_study_has_a_page_that_stands_alone(name: str, tmp_path: Path) -> None:
    html = report_page(EDGES[name], tmp_path)
    page = Page(html)
    assert [link for link in page.links if not link.startswith(("#", "./", "comparison"))] == []
    assert "default-src 'none'" in html
    assert "plotly.js (basic - minified)" in html
    # as many figures as places for them, and every trial in the table
    assert html.count('data-figure="') == len(page.data["figures-data"])
    assert len(page.data["trials-data"]["number"]) == len(EDGES[name].trials)


def test_text_stays_text(tmp_path: Path) -> None:
    plain, nasty = (
        Page(report_page(EDGES[name], tmp_path)) for name in ("one", "text in all places")
    )
    assert NASTY in nasty.text  # as a reader sees it
    assert NASTY in nasty.data["trials-data"]["message"]["words"]
    assert nasty.elements.count("script") == plain.elements.count("script")


def test_links_lead_to_folders_that_exist(tmp_path: Path) -> None:
    table = EDGES["maximize"]
    assert Page(report_page(table, tmp_path)).data["trials-data"]["link"] == [0] * 8
    folders(tmp_path, table)
    page = Page(report_page(table, tmp_path))
    assert page.data["trials-data"]["link"] == [1] * 8
    places = [link for link in page.links if link.startswith("./")]
    assert places
    assert all((tmp_path / unquote(link)).is_dir() for link in places)


def test_it_is_written_with_the_other_files(conditional: optuna.Study, tmp_path: Path) -> None:
    from trialsmith.study.folder import StudyFolder

    StudyFolder(tmp_path / "multirun/conditional").update(conditional)
    page = Page((tmp_path / "multirun/conditional" / NAME).read_text())
    shown = page.data["trials-data"]
    fusion = next(column for column in shown["params"] if column["key"] == "fusion")
    assert [fusion["words"][code] for code in fusion["codes"]] == [
        trial.params["fusion"] for trial in conditional.trials
    ]
    layers = next(c for c in shown["params"] if c["key"] == "fusion.middle.layers")
    absent = [code < 0 for code in layers["codes"]]
    assert absent == [trial.params["fusion"] != "middle" for trial in conditional.trials]


def test_two_thousand_trials_stay_small(tmp_path: Path) -> None:
    study = optuna.create_study()
    spaces = {f"part.parameter_{k}": FloatDistribution(0.0, 1.0) for k in range(15)}
    study.add_trials(
        create_trial(
            value=1 / (1 + n),
            params={key: (n * (k + 7) % 1009) / 1009 for k, key in enumerate(spaces)},
            distributions=spaces,
            intermediate_values={e: 1 / (1 + n) + 1 / (1 + e) for e in range(100)},
            user_attrs={"folder": f"2026-01-02/03-04-05/{n}"},
        )
        for n in range(2000)
    )
    assert len(report_page(read(study), tmp_path).encode()) < 10e6
