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
from typing import Any, BinaryIO

import numpy as np
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.storages.journal._file import BaseJournalFileLock, get_lock_file
from optuna.storages.journal._storage import JournalOperation, JournalStorageReplayResult
from optuna.trial import FrozenTrial, TrialState

from trialsmith.errors import SearchError
from trialsmith.search import journal_state
from trialsmith.search.by_step import ByStep, Columns

REPORT = int(JournalOperation.SET_TRIAL_INTERMEDIATE_VALUE)
ENDED = int(JournalOperation.SET_TRIAL_STATE_VALUES)
LONGEST = 1000  # bytes of the first line by which a journal is known
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
        self._path = path
        self._first: bytes | None = None  # its first line, which no other journal has

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        number, offset = self.position
        assert number == log_number_from
        if self._size() == offset:
            return
        with open(self._file_path, "rb") as file:
            self._check(file)
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # half written; whoever appends next cuts off what a crash has left
                log = _operation(line)
                if log is None:
                    raise SearchError(
                        f"{self._path}, line {number + 1} is not what a search has written. Mend "
                        "or remove that line (of a copy), or take the journal from a backup; cut "
                        "before that line, it is the study as it was then"
                    )
                number, offset = number + 1, offset + len(line)
                self.position = (number, offset)
                yield log

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        text = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        self._size()
        with get_lock_file(self._lock), open(self._file_path, "ab+") as file:
            file.seek(0)
            self._check(file)
            file.write(text.encode())
            file.flush()
            if any(log["op_code"] != REPORT for log in logs):
                os.fsync(file.fileno())

    def _size(self) -> int:
        try:
            size = os.stat(self._file_path).st_size
        except FileNotFoundError:
            size = 0
        if size < self.position[1]:
            raise SearchError(_replaced(self._path))
        return size

    def _check(self, file: BinaryIO) -> None:
        """A trial's number means another trial in another journal."""
        first = file.readline(LONGEST)
        if self._first is None and first.endswith(b"\n"):
            self._first = first
        if first != (self._first or first):
            raise SearchError(_replaced(self._path))


def _replaced(path: Path) -> str:
    return (
        f"{path} was removed, replaced or cut short while it was in use. What was stored in it is "
        "where it was moved to; the same command goes on with what is there now"
    )


def _operation(line: bytes) -> dict[str, Any] | None:
    """What a line says, None where no search has written it."""
    try:
        log = json.loads(line)
    except ValueError:
        return None
    return log if isinstance(log, dict) and "op_code" in log else None


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
