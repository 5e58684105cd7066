"""A study's folder, kept up to date while the study goes on."""

import logging
import threading
import time
from pathlib import Path

import optuna

from trialsmith.study.best_config import best_config
from trialsmith.study.figures import pages
from trialsmith.study.formats import to_yaml
from trialsmith.study.page import PLOTLY, plotly_source
from trialsmith.study.report import NAME as REPORT
from trialsmith.study.report import report_page
from trialsmith.study.results import result_files, trial_info
from trialsmith.study.table import StudyTable, read
from trialsmith.study.writing import replace_link, replace_text

log = logging.getLogger(__name__)

SHARE = 0.2  # of the time may go into rewriting files: trials that end every second cost no more


class StudyFolder:
    """Writes everything that can be known of a study into its folder.

    `update` writes at once and raises; `request_update` returns at once, writes in a thread of
    its own and never raises: a full disk must not end a search. Requests that come while files
    are being written become one.

    >>> with StudyFolder("multirun/alignn_fusion") as folder:
    ...     sweep(on_change=folder.request_update)

    Args:
        path: the study's folder, multirun/<study name>; made if it is missing.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._writing = threading.Lock()
        self._changed = threading.Condition()
        self._wanted: optuna.Study | None = None
        self._closing = False
        self._failed = False
        self._writer: threading.Thread | None = None
        self._recorded: set[int] = set()

    def update(self, study: optuna.Study) -> StudyTable:
        """Write every file of `study` from its storage, each in one step; return what was read.

        Raises:
            OSError: the folder cannot be written.
        """
        with self._writing:
            table = read(study)
            self.path.mkdir(parents=True, exist_ok=True)
            self._write(result_files(table))
            self._write_best(table)
            self._write_trials(table)
            if not (self.path / PLOTLY).exists():
                replace_text(self.path / PLOTLY, plotly_source())
            self._write(pages(table))
            self._write({REPORT: report_page(table, self.path)})
            return table

    def request_update(self, study: optuna.Study) -> None:
        """Have the files written soon, by a thread that starts with the first request."""
        with self._changed:
            self._wanted = study
            if self._writer is None:
                self._writer = threading.Thread(
                    target=self._serve, name="study folder", daemon=True
                )
                self._writer.start()
            self._changed.notify()

    def close(self) -> None:
        """Write what was requested last, and stop the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
            writer = self._writer
        if writer is not None:
            writer.join()

    def __enter__(self) -> "StudyFolder":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _serve(self) -> None:
        while (study := self._next()) is not None:
            began = time.monotonic()
            self._try_update(study)
            spent = time.monotonic() - began
            with self._changed:
                self._changed.wait_for(lambda: self._closing, timeout=spent * (1 / SHARE - 1))

    def _next(self) -> optuna.Study | None:
        """The study to write; None when closed and nothing is left to write."""
        with self._changed:
            self._changed.wait_for(lambda: self._wanted is not None or self._closing)
            study, self._wanted = self._wanted, None
            return study

    def _try_update(self, study: optuna.Study) -> None:
        try:
            self.update(study)
        except Exception as error:  # whatever it is, the search is worth more than its pages
            if not self._failed:
                log.warning(
                    "%s cannot be kept up to date (%s: %s); the search goes on, and "
                    "`trialsmith report %s` writes the files later",
                    self.path,
                    type(error).__name__,
                    error,
                    self.path,
                )
            self._failed = True

    def _write(self, texts: dict[str, str] | dict[str, str | None]) -> None:
        for name, text in texts.items():
            if text is None:
                (self.path / name).unlink(missing_ok=True)
            else:
                replace_text(self.path / name, text)

    def _write_best(self, table: StudyTable) -> None:
        """The link to the best trial and its config; neither, where there is no such trial."""
        best, link = table.best, self.path / "best"
        config = None
        if best is None or best.folder is None:
            if link.is_symlink():
                link.unlink()
        else:
            replace_link(link, best.folder)
            trial = self.path / best.folder
            config = best_config(table.name, best.number, trial, self.path)
        self._write({"best_config.yaml": config})

    def _write_trials(self, table: StudyTable) -> None:
        """`trial_info.yaml` into the folder of each trial that has ended."""
        for trial in table.trials:
            if trial.end is None or trial.folder is None or trial.number in self._recorded:
                continue
            self._recorded.add(trial.number)
            folder = self.path / trial.folder
            # one that was deleted, or that another host has, is let be
            if folder.is_dir():
                replace_text(folder / "trial_info.yaml", to_yaml(trial_info(table, trial)))
