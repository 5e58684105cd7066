"""The dashboard sees a study with its pictures, and changes nothing of it."""

import json
import threading
import urllib.request
from pathlib import Path

import optuna
import pytest
from optuna.artifacts.exceptions import ArtifactNotFound

from trialsmith.study.dashboard import (
    PicturedStorage,
    Pictures,
    PictureStore,
    dashboard_server,
    only_for_this_machine,
)


@pytest.fixture
def folder(conditional: optuna.Study, tmp_path: Path) -> Path:
    """The study's folder, with two pictures of trial 0 and what is no picture."""
    study = tmp_path / "multirun" / "conditional"
    trial = study / "2025-11-21/12-00-00/0"
    (trial / "evaluation_plots").mkdir(parents=True)
    (trial / "learning_curves.png").write_bytes(b"curves")
    (trial / "evaluation_plots" / "energy.png").write_bytes(b"parity")
    (trial / "train.log").write_text("no picture")
    (trial / "outside.png").symlink_to(study / "study.journal")
    return study


def content_of(store: PictureStore, name: str) -> bytes:
    with store.open_reader(name) as file:
        return file.read()


def test_pictures_are_shown_once_and_nothing_is_stored(
    conditional: optuna.Study, folder: Path
) -> None:
    storage, number = conditional._storage, conditional._study_id
    before = (folder / "study.journal").read_bytes()
    seen = []
    for _ in range(2):  # as after a restart
        pictures = Pictures(folder)
        view = PicturedStorage(storage, pictures)
        trials = view.get_all_trials(number, deepcopy=False)
        view.get_all_trials(number)
        (first, *others) = [
            {k: v for k, v in trial._system_attrs.items() if k.startswith("artifacts:")}
            for trial in trials
        ]
        assert others == [{}] * 39
        assert first.items() <= view.get_trial_system_attrs(trials[0]._trial_id).items()
        assert "params" not in view.get_best_trial(number).user_attrs
        seen.append(first)
        store = PictureStore(folder, pictures)
        content = {
            json.loads(text)["filename"]: content_of(store, key.removeprefix("artifacts:"))
            for key, text in first.items()
        }
        assert content == {"learning_curves.png": b"curves", "energy.png": b"parity"}
    assert seen[0] == seen[1]
    assert (folder / "study.journal").read_bytes() == before
    assert not any("artifacts" in str(t._system_attrs) for t in storage.get_all_trials(number))


def test_a_trials_pictures_are_not_deleted(conditional: optuna.Study, folder: Path) -> None:
    pictures = Pictures(folder)
    store = PictureStore(folder, pictures)
    (name, *_) = [found["artifact_id"] for found in pictures.of(conditional.trials[0])]
    with pytest.raises(ArtifactNotFound):
        store.remove(name)
    with pytest.raises(ArtifactNotFound):
        store.open_reader("00000000-0000")
    assert content_of(store, name) == b"parity"


def test_the_dashboard_serves_them_on_loopback(conditional: optuna.Study, folder: Path) -> None:
    pytest.importorskip("optuna_dashboard", reason="optuna-dashboard is an extra")
    server = dashboard_server(conditional._storage, folder)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert server.server_address[0] == "127.0.0.1"
        root = f"http://127.0.0.1:{server.server_port}"
        with urllib.request.urlopen(f"{root}/api/studies/{conditional._study_id}") as answer:
            shown = json.load(answer)
        first = shown["trials"][0]
        assert "params" not in {attribute["key"] for attribute in first["user_attrs"]}
        assert shown["objective_names"] == ["val/mae"]
        assert {a["filename"] for a in first["artifacts"]} == {"energy.png", "learning_curves.png"}
        name = first["artifacts"][0]["artifact_id"]
        place = f"{root}/artifacts/{first['study_id']}/{first['trial_id']}/{name}"
        with urllib.request.urlopen(place) as answer:
            assert answer.read() == b"parity"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("host", "answer"), [("evil.example:80", 403), ("localhost:1", 200)])
def test_requests_under_a_foreign_name_are_refused(host: str, answer: int) -> None:
    """A page whose name is bound to the loopback does not read a study."""
    told = []
    app = only_for_this_machine(lambda environ, start_response: start_response("200 OK", []))
    app({"HTTP_HOST": host}, lambda status, headers: told.append(int(status.split()[0])))
    assert told == [answer]
