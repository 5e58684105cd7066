"""From a name to a study, and no file made on the way."""

from pathlib import Path

import optuna
import pytest
import yaml
from study_examples import begin, search

from trialsmith.errors import SearchError
from trialsmith.search.credentials import without_credentials
from trialsmith.study.locate import find_folder, note_storage, open_study, storage_meant


def files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def hydra_settings(trial: Path, **sweeper: str | None) -> None:
    (trial / ".hydra").mkdir(parents=True)
    (trial / ".hydra" / "hydra.yaml").write_text(yaml.safe_dump({"hydra": {"sweeper": sweeper}}))


def database(path: Path, name: str) -> str:
    url = f"sqlite:///{path}"
    optuna.create_study(study_name=name, storage=url).add_trial(
        optuna.trial.create_trial(value=1.0)
    )
    return url


def test_a_study_is_found_by_name_and_by_path(tmp_path: Path) -> None:
    search(begin(tmp_path / "multirun" / "mine"), 3)
    for name in ("mine", str(tmp_path / "multirun" / "mine")):
        folder = find_folder(name, root=tmp_path / "multirun")
        before = files(folder)
        study = open_study(folder)
        assert (study.study_name, len(study.trials)) == ("mine", 3)
        assert files(folder) == before


def test_a_wrong_name_names_the_nearest(tmp_path: Path) -> None:
    for name in ("alignn_fusion", "alignn_pareto"):
        begin(tmp_path / name)
    with pytest.raises(SearchError, match=r"did you mean alignn_fusion"):
        find_folder("alignn_fuson", root=tmp_path)
    with pytest.raises(SearchError, match=r"there are: alignn_fusion, alignn_pareto"):
        find_folder("xyz", root=tmp_path)
    with pytest.raises(SearchError, match=r"no study 'xyz'"):
        find_folder("xyz", root=tmp_path / "nowhere")


def test_a_database_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    database(tmp_path / "mine" / "study.db", "mine")
    assert len(open_study(find_folder("mine", root=tmp_path)).trials) == 1


def test_a_storage_elsewhere_is_told_by_the_newest_trial(tmp_path: Path) -> None:
    url = database(tmp_path / "all.db", "renamed")
    database(tmp_path / "all.db", "other")
    folder = tmp_path / "mine"
    hydra_settings(folder / "2025-01-01" / "10-00-00" / "0", storage="sqlite:///gone.db")
    hydra_settings(folder / "2025-01-02" / "10-00-00" / "1", storage=url, study_name="renamed")
    assert open_study(find_folder("mine", root=tmp_path)).study_name == "renamed"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://me:secret@host:5432/optuna?sslmode=require",
        "postgresql+psycopg://host:5432/optuna?user=me&password=secret&sslmode=require",
        "postgresql+psycopg://host:5432/optuna?sslmode=require&user=me&sslpassword=secret",
    ],
)
def test_a_noted_storage_holds_no_password(url: str, tmp_path: Path) -> None:
    note_storage(tmp_path, "mine", url)
    noted = yaml.safe_load((tmp_path / "storage.yaml").read_text())
    assert noted == {
        "study_name": "mine",
        "storage": "postgresql+psycopg://host:5432/optuna?sslmode=require",
    }


def test_a_noted_storage_is_opened_or_replaced(tmp_path: Path) -> None:
    url = database(tmp_path / "all.db", "mine")
    (tmp_path / "mine").mkdir()
    note_storage(tmp_path / "mine", "mine", url)
    assert open_study(find_folder("mine", root=tmp_path)).study_name == "mine"
    note_storage(tmp_path / "mine", "mine", f"sqlite:///{tmp_path}/gone.db")
    with pytest.raises(SearchError, match=r"gone\.db"):
        open_study(tmp_path / "mine")
    assert not (tmp_path / "gone.db").exists()
    assert open_study(tmp_path / "mine", storage=url).study_name == "mine"


@pytest.mark.parametrize(
    "url", ["sqlite:///{}?timeout=5", "sqlite:///file:{}?uri=true", "sqlite+pysqlite:///{}"]
)
def test_an_address_of_a_file_may_have_options(url: str, tmp_path: Path) -> None:
    database(tmp_path / "all.db", "mine")
    (tmp_path / "mine").mkdir()
    note_storage(tmp_path / "mine", "mine", url.format(tmp_path / "all.db"))
    assert len(open_study(tmp_path / "mine").trials) == 1
    note_storage(tmp_path / "mine", "mine", url.format(tmp_path / "gone.db"))
    with pytest.raises(SearchError, match=r"there is no file .*/gone\.db, as"):
        open_study(tmp_path / "mine")
    assert not (tmp_path / "gone.db").exists()


@pytest.mark.parametrize("url", ["sqlite:////a/b.db", "journal:///a/b", "postgresql://host/db"])
def test_an_address_without_credentials_is_kept(url: str) -> None:
    assert without_credentials(url) == url


@pytest.mark.slow  # an opening that fails is tried five times
def test_a_storage_that_cannot_be_read_is_an_error_without_the_password(tmp_path: Path) -> None:
    hydra_settings(tmp_path / "mine" / "d" / "t" / "0", storage="nosql://me:secret@host/db")
    with pytest.raises(SearchError, match=r"nosql://host/db") as error:
        open_study(tmp_path / "mine")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("storage", [None, "${oc.env:DATABASE}"])
def test_a_folder_that_does_not_tell_asks_for_it(tmp_path: Path, storage: str | None) -> None:
    hydra_settings(tmp_path / "d" / "t" / "0", storage=storage)
    with pytest.raises(SearchError, match=r"--storage"):
        open_study(tmp_path)


def test_a_storage_without_the_study_lists_what_it_has(tmp_path: Path) -> None:
    url = database(tmp_path / "all.db", "one")
    database(tmp_path / "all.db", "two")
    (tmp_path / "mine").mkdir()
    note_storage(tmp_path / "mine", "mine", url)
    with pytest.raises(SearchError, match=r"no study 'mine'; it has: one, two"):
        open_study(tmp_path / "mine")


def test_a_search_goes_where_the_folder_has_its_study(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert storage_meant(folder, "mine", None) == "journal"  # a new one
    assert storage_meant(folder, "mine", "sqlite") == "sqlite"
    folder.mkdir()
    database(folder / "study.db", "mine")
    assert storage_meant(folder, "mine", None) == "sqlite"
    assert storage_meant(folder, "mine", "sqlite") == "sqlite"
    assert storage_meant(folder, "mine", f"sqlite:///{folder}/study.db") == "sqlite"
    other = database(tmp_path / "all.db", "other")
    before = files(tmp_path)
    for asked in ("journal", other, f"sqlite:///{tmp_path}/new.db"):
        with pytest.raises(SearchError, match=r"has its study in sqlite.*convert .*study_name"):
            storage_meant(folder, "mine", asked)
    assert files(tmp_path) == before
    # of one that has the study already nothing is begun anew
    assert storage_meant(folder, "other", other) == other


def test_a_search_goes_where_the_folder_has_noted_its_study(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    url = database(tmp_path / "all.db", "mine")
    note_storage(folder, "mine", url)
    for asked in (None, url):
        assert storage_meant(folder, "mine", asked) == url
    (tmp_path / "all.db").unlink()
    for asked in (None, url):  # named or not, nothing is begun anew where it was
        with pytest.raises(SearchError, match=r"gone.*all\.db.*storage\.yaml"):
            storage_meant(folder, "mine", asked)
    address = "postgresql://host/db"
    note_storage(folder, "mine", f"{address}".replace("//", "//me:secret@"))
    assert storage_meant(folder, "mine", address) == address


def test_of_two_storages_in_a_folder_one_must_be_named(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    search(begin(folder), 2)
    database(folder / "study.db", "mine")
    with pytest.raises(SearchError, match=r"journal and one in sqlite.*--storage journal"):
        open_study(folder)
    with pytest.raises(SearchError, match=r"hydra\.sweeper\.storage=journal"):
        storage_meant(folder, "mine", None)
    for storage, trials in (("journal", 2), ("sqlite", 1)):
        assert storage_meant(folder, "mine", storage) == storage
        assert len(open_study(folder, storage).trials) == trials
