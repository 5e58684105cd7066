"""optuna-dashboard on a study as it stands, with the pictures of its trials.

The pictures stay where they are, in the trials' folders. Optuna's way would copy each into an
artefact store and write its description into the study, once more with every start; and a finished
trial takes no more attributes. So nothing is written at all: the dashboard is handed a view of the
storage in which every trial has the descriptions of its pictures, and a store that finds them.
"""

import copy
import json
import mimetypes
import uuid
from collections.abc import Callable
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any, BinaryIO
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from optuna.artifacts import FileSystemArtifactStore
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.storages import BaseStorage
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState

from trialsmith.search.forwarding import Forwarding
from trialsmith.study.table import objective_names

LOOPBACK = "127.0.0.1"
ENDINGS = (".png", ".jpg", ".jpeg", ".svg", ".gif", ".webp")
MOST = 24  # pictures of a trial
METRIC_NAMES = "study:metric_names"  # as Optuna's Study.set_metric_names stores them
LONG = ("params", "versions", "result")  # attributes of a trial that are not shown
UPLOADS = "artifacts"  # of files that somebody adds in the dashboard, in the study's folder


class Pictures:
    """The pictures in the trials' folders of a study, each with a name of its own for good.

    Args:
        study: the study's folder.
    """

    def __init__(self, study: Path) -> None:
        self._study = study
        self._paths: dict[str, Path] = {}
        self._ended: dict[int, list[dict[str, Any]]] = {}

    def path(self, name: str) -> Path | None:
        """The picture of that name, if there was one when its trial was last looked at."""
        return self._paths.get(name)

    def of(self, trial: FrozenTrial) -> list[dict[str, Any]]:
        """What Optuna notes of an artefact, for each picture of `trial`."""
        if trial.number not in self._ended:
            found = [self._described(path) for path in self._found(trial)]
            if not trial.state.is_finished() or not found:  # there may be more the next time
                return found
            self._ended[trial.number] = found
        return self._ended[trial.number]

    def _found(self, trial: FrozenTrial) -> list[Path]:
        folder = trial.user_attrs.get("folder")
        if not isinstance(folder, str) or trial.state == TrialState.WAITING:
            return []
        place = self._study / folder
        if not place.resolve().is_relative_to(self._study.resolve()):
            return []  # whoever writes to the storage does not choose what is shown
        paths = [*place.glob("*"), *place.glob("evaluation_plots/*")]
        inside = place.resolve()
        chosen = (
            path
            for path in sorted(paths)
            if path.suffix.lower() in ENDINGS and path.resolve().is_relative_to(inside)
        )
        return list(chosen)[:MOST]

    def _described(self, path: Path) -> dict[str, Any]:
        # by its place, so that it is the same picture whenever and however often it is looked at
        name = str(uuid.uuid5(uuid.NAMESPACE_URL, path.relative_to(self._study).as_posix()))
        self._paths[name] = path
        kind, encoding = mimetypes.guess_type(path.name)
        return {
            "artifact_id": name,
            "filename": path.name,
            "mimetype": kind or "application/octet-stream",
            "encoding": encoding,
        }


class PictureStore(FileSystemArtifactStore):
    """Reads pictures where they are; what is added in the dashboard goes to the study's folder."""

    def __init__(self, study: Path, pictures: Pictures) -> None:
        super().__init__(study / UPLOADS)
        self._folder = study / UPLOADS
        self._pictures = pictures

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """The file, opened.

        Raises:
            ArtifactNotFound: there is none.
        """
        path = self._pictures.path(artifact_id)
        try:
            return super().open_reader(artifact_id) if path is None else path.open("rb")
        except OSError as error:
            raise ArtifactNotFound(str(error)) from error

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Keep what somebody added."""
        self._folder.mkdir(exist_ok=True)
        super().write(artifact_id, content_body)

    def remove(self, artifact_id: str) -> None:
        """Delete what somebody added; a trial's own picture stays.

        Raises:
            ArtifactNotFound: it is none of those that were added.
        """
        if self._pictures.path(artifact_id) is not None:
            raise ArtifactNotFound("a trial's own pictures are not deleted here")
        super().remove(artifact_id)


class PicturedStorage(Forwarding):
    """`inner`, but every trial that is read has its pictures among its system attributes.

    The objectives have their names, and of a trial's own attributes those are left out whose one
    long line would stretch the page: they stand in its folder.
    """

    def __init__(self, inner: BaseStorage, pictures: Pictures) -> None:
        super().__init__(inner)
        self._pictures = pictures

    # made of the methods below: `inner` would answer without the pictures
    get_best_trial = BaseStorage.get_best_trial
    get_trial_user_attrs = BaseStorage.get_trial_user_attrs
    get_trial_system_attrs = BaseStorage.get_trial_system_attrs

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Any = None,
    ) -> list[FrozenTrial]:
        """The trials, with their pictures."""
        trials = self.inner.get_all_trials(study_id, deepcopy=deepcopy, states=states)
        return [self._with_pictures(trial) for trial in trials]

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """A trial, with its pictures."""
        return self._with_pictures(self.inner.get_trial(trial_id))

    def get_all_studies(self) -> list[FrozenStudy]:
        """The studies, their objectives named."""
        return [_named(study) for study in self.inner.get_all_studies()]

    def _with_pictures(self, trial: FrozenTrial) -> FrozenTrial:
        found = self._pictures.of(trial)
        shown = copy.copy(trial)  # the storage's own stays as it is stored
        noted = {f"artifacts:{picture['artifact_id']}": json.dumps(picture) for picture in found}
        shown._system_attrs = {**trial._system_attrs, **noted}
        shown._user_attrs = {k: v for k, v in trial._user_attrs.items() if k not in LONG}
        return shown


def _named(study: FrozenStudy) -> FrozenStudy:
    """`study` with the names of its objectives, as Optuna keeps them."""
    names = list(objective_names(study.user_attrs.get("metric"), len(study.directions)))
    named = copy.copy(study)
    named.system_attrs = {METRIC_NAMES: names, **study.system_attrs}
    return named


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are nobody's news."""


def dashboard_server(storage: BaseStorage, folder: Path, port: int = 0) -> WSGIServer:
    """optuna-dashboard for this machine alone; `serve_forever()` runs it.

    Args:
        folder: the study's.
        port: 0: one that is free; `server_port` tells which.

    Raises:
        ImportError: optuna-dashboard is not installed.
        OSError: the port is taken.
    """
    from optuna_dashboard import wsgi

    pictures = Pictures(folder)
    pictured = PicturedStorage(storage, pictures)  # type: ignore[abstract]
    app = wsgi(pictured, artifact_store=PictureStore(folder, pictures))
    local = only_for_this_machine(app)
    return make_server(LOOPBACK, port, local, server_class=_Server, handler_class=_Quiet)


def only_for_this_machine(app: Callable[..., Any]) -> Callable[..., Any]:
    """Refuses requests under another name, by which a foreign page could reach the loopback."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        host = environ.get("HTTP_HOST", "").rsplit(":", 1)[0]
        if host in (LOOPBACK, "localhost"):
            return app(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [b"The dashboard is for this machine: open it as http://127.0.0.1:PORT"]

    return answer
