"""A study that moves is the same study, and its folder knows where it is."""

from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState, create_trial
from typer.testing import CliRunner

from trialsmith.cli import app
from trialsmith.errors import SearchError
from trialsmith.search import ownership
from trialsmith.search.storage import open_storage, storage_url
from trialsmith.study.copying import move
from trialsmith.study.locate import open_study

X = {"x": optuna.distributions.FloatDistribution(0.0, 1.0)}


def begin(folder: Path) -> optuna.Study:
    """A study with a trial of every end, one of them with reports."""
    open_storage.cache_clear()
    storage = open_storage(storage_url("journal", folder))
    study = optuna.create_study(study_name=folder.name, storage=storage, direction="maximize")
    study.set_user_attr("space", {"fingerprint": "f"})
    study.add_trial(
        create_trial(
            value=1.5,
            params={"x": 0.25},
            distributions=X,
            user_attrs={"params": {"x": 0.25}},
            intermediate_values={0: 3.0, 1: 1.5},
        )
    )
    study.add_trial(create_trial(state=TrialState.FAIL, user_attrs={"failure": "diverged"}))
    study.add_trial(create_trial(state=TrialState.WAITING, user_attrs={"enqueued": {"x": 0.5}}))
    study.add_trial(
        create_trial(
            state=TrialState.PRUNED,
            params={"x": 1.0},
            distributions=X,
            intermediate_values={0: 9.0},
        )
    )
    return study


def content(study: optuna.Study) -> list[tuple]:
    """All that a trial is, but for the storage's own number of it."""
    facts = ("number", "state", "values", "params", "distributions", "user_attrs")
    facts = (*facts, "intermediate_values", "datetime_start", "datetime_complete")
    return [tuple(getattr(trial, fact) for fact in facts) for trial in study.trials]


@pytest.mark.slow  # a database is made
def test_there_and_back_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "multirun" / "mine"
    before = begin(folder)
    expected = (content(before), before.direction, before.user_attrs)
    for to in ("sqlite", f"journal://{tmp_path}/elsewhere", "journal"):
        study = open_study(folder)
        move(study, folder, to)
        open_storage.cache_clear()
        study = open_study(folder)
        assert (content(study), study.direction, study.user_attrs) == expected, to
    kept = sorted(path.name.partition(".2")[0] for path in folder.iterdir() if ".2" in path.name)
    assert kept == ["storage.yaml", "study.db", "study.journal"]


def test_a_study_that_is_searched_stays_where_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    study = begin(folder)
    study.add_trial(create_trial(state=TrialState.RUNNING, user_attrs={"owner": ownership.me()}))
    with pytest.raises(SearchError, match="searched by"):
        move(study, folder, "sqlite")
    assert not (folder / "study.db").exists()


def test_a_taken_name_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    url = f"journal://{tmp_path}/shared.journal"
    for place in ("a", "b"):
        folder = tmp_path / place / "mine"
        study = begin(folder)
        if place == "a":
            move(study, folder, url)
            continue
        with pytest.raises(SearchError, match="a study mine already"):
            move(study, folder, url)
        assert len(open_study(folder).trials) == 4
    with pytest.raises(SearchError, match="already"):
        move(study, folder, "journal")


def test_the_command(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    begin(folder)
    url = f"journal://{tmp_path}/shared.journal"
    done = CliRunner().invoke(app, ["convert", str(folder), "--to", url])
    assert done.exit_code == 0, done.output
    assert done.output == f"mine with 4 trials is in {url} now\n"
    alone = CliRunner().invoke(app, ["convert", str(folder)])
    assert alone.exit_code == 1
