"""A journal that stays quick when it is long: Optuna's format and meaning, read in another way.

Three things make Optuna's own slow with thousands of trials, each of a hundred reports:

- every report copies its trial's whole history: here a trial is copied once for all lines that are
  read together;
- every append is forced to disk: here a report is not. A killed process loses nothing by that, for
  the system has the line already; a power failure may lose the last reports, never a trial;
- every process reads the file from its first line: here one that has read much leaves the state
  that it came to beside the journal, and the next one begins there. See `journal_state`.
"""

import copy
import json
import os
import threading
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.storages.journal._file import BaseJournalFileLock, get_lock_file
from optuna.storages.journal._storage import JournalOperation, JournalStorageReplayResult
from optuna.trial import FrozenTrial, TrialState

from trialsmith.search import journal_state
from trialsmith.search.by_step import ByStep, Columns

REPORT = int(JournalOperation.SET_TRIAL_INTERMEDIATE_VALUE)
ENDED = int(JournalOperation.SET_TRIAL_STATE_VALUES)
WORTH_KEEPING = 20_000  # lines that were read; it takes a few tenths of a second


class Journal(JournalStorage, ByStep):
    """A study's storage in a file."""

    def __init__(self, path: Path, lock: BaseJournalFileLock) -> None:
        # in place of Optuna's constructor, which reads all
        self._worker_id_prefix = f"{uuid.uuid4()}-"
        self._thread_lock = threading.Lock()
        self._columns: dict[int, tuple[Columns, int]] = {}  # study → and of how many trials
        self._replay_result = replay = _Replay(self._worker_id_prefix)
        self._backend = file = _File(path, lock)
        file.position = journal_state.load(path, replay)
        replay.completed = journal_state.completed(replay)
        begun = replay.log_number_read
        self._sync_with_backend()
        if replay.log_number_read - begun > WORTH_KEEPING:
            journal_state.save(path, replay, file.position)

    def completed_at(self, study_id: int, step: int) -> tuple[int, np.ndarray]:
        with self._thread_lock:
            self._sync_with_backend()
            assert isinstance(self._replay_result, _Replay)
            completed = self._replay_result.completed.get(study_id, [])
            columns, known = self._columns.get(study_id, (Columns(), 0))
            for trial in completed[known:]:
                columns.add(trial.intermediate_values.items())
            self._columns[study_id] = columns, len(completed)
            return len(completed), columns.at(step)


class _File(JournalFileBackend):
    """The file's lines.

    Attributes:
        position: how many lines were read, and the byte at which the next one begins.
    """

    def __init__(self, path: Path, lock: BaseJournalFileLock) -> None:
        super().__init__(str(path), lock)
        self.position = (0, 0)

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        number, offset = self.position
        assert number == log_number_from
        if os.stat(self._file_path).st_size <= offset:
            return
        with open(self._file_path, "rb") as file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # half written; whoever appends next cuts off what a crash has left
                log = json.loads(line)
                number, offset = number + 1, offset + len(line)
                self.position = (number, offset)
                yield log

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with get_lock_file(self._lock), open(self._file_path, "ab") as file:
            file.write(text.encode())
            file.flush()
            if any(log["op_code"] != REPORT for log in logs):
                os.fsync(file.fileno())


class _Replay(JournalStorageReplayResult):
    """The state that the lines lead to.

    Attributes:
        completed: study → its complete trials, in the order in which they became so; such a list
            only ever grows.
    """

    def __init__(self, worker_id_prefix: str) -> None:
        super().__init__(worker_id_prefix)
        self.completed: dict[int, list[FrozenTrial]] = {}

    def apply_logs(self, logs: Iterable[dict[str, Any]]) -> None:
        copied: set[int] = set()  # nobody else has seen these yet: they may be changed in place
        for log in logs:
            operation = log["op_code"]
            if operation == REPORT and self._is_open(log["trial_id"]):
                self.log_number_read += 1
                self._add_report(log, copied)
            elif operation == ENDED:
                is_news = self._is_open(log["trial_id"])
                super().apply_logs((log,))
                if is_news:
                    self._note_completed(log["trial_id"])
            else:
                known = len(self._trials)
                super().apply_logs((log,))
                if len(self._trials) > known:  # a trial may be complete when it comes
                    self._note_completed(known)

    def _is_open(self, trial_id: int) -> bool:
        trial = self._trials.get(trial_id)
        return trial is not None and not trial.state.is_finished()

    def _add_report(self, log: dict[str, Any], copied: set[int]) -> None:
        number = log["trial_id"]
        if number not in copied:
            trial = copy.copy(self._trials[number])
            trial.intermediate_values = dict(trial.intermediate_values)
            self._trials[number] = trial
            copied.add(number)
        self._trials[number].intermediate_values[log["step"]] = log["intermediate_value"]

    def _note_completed(self, trial_id: int) -> None:
        trial = self._trials[trial_id]
        if trial.state == TrialState.COMPLETE:
            study = self._trial_id_to_study_id[trial_id]
            self.completed.setdefault(study, []).append(trial)
