"""What a journal's lines lead to, kept beside it, so that not every process reads them all again.

It is a shortcut and never the truth: one that is missing, damaged or of another journal is left
aside. It holds JSON and numbers, no pickles.
"""

import hashlib
import json
import os
import uuid
import zipfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, distribution_to_json, json_to_distribution
from optuna.storages.journal._storage import JournalStorageReplayResult
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState

FORMAT = f"1, optuna {optuna.__version__}"
TAIL = 4096  # bytes before the place, by which a journal is known again

Position = tuple[int, int]
"""Lines that were read, and the byte at which the next one begins."""


def beside(journal: Path) -> Path:
    """The file of the state of `journal`."""
    return journal.with_name(f"{journal.name}.state")


def save(journal: Path, replay: JournalStorageReplayResult, position: Position) -> None:
    """Keep what the lines of `journal` before `position` lead to; nothing on a full disk."""
    distributions: dict[str, tuple[int, BaseDistribution]] = {}
    trials = [replay._trials[k] for k in range(len(replay._trials))]
    known = {
        "format": FORMAT,
        "position": position,
        "tail": _tail(journal, position),
        "studies": [_study_record(study) for study in replay.get_all_studies()],
        "next_study": replay._next_study_id,
        "trials": [
            [replay._trial_id_to_study_id[k], *_trial_record(trial, distributions)]
            for k, trial in enumerate(trials)
        ],
        "distributions": [distribution_to_json(each) for _, each in distributions.values()],
    }
    reports = [trial.intermediate_values for trial in trials]
    aside = beside(journal).with_name(f".{journal.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        with aside.open("wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                known=np.frombuffer(json.dumps(known).encode(), dtype=np.uint8),
                counts=np.array([len(each) for each in reports], dtype=np.int64),
                steps=np.array([step for each in reports for step in each], dtype=np.int64),
                values=np.array([v for each in reports for v in each.values()], dtype=np.float64),
            )
        os.replace(aside, beside(journal))
    except OSError:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def load(journal: Path, replay: JournalStorageReplayResult) -> Position:
    """Bring `replay`, which is new, to the state that was kept; returns where to read on."""
    try:
        with beside(journal).open("rb") as file, np.load(file, allow_pickle=False) as kept:
            known = json.loads(kept["known"].tobytes())
            counts, steps, values = (kept[name].tolist() for name in ("counts", "steps", "values"))
        position: Position = tuple(known["position"])
        if known["format"] != FORMAT or known["tail"] != _tail(journal, position):
            return 0, 0
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return 0, 0
    distributions = [json_to_distribution(text) for text in known["distributions"]]
    begun = 0
    for trial_id, ((study, *record), count) in enumerate(zip(known["trials"], counts, strict=True)):
        ended = begun + count
        reports = dict(zip(steps[begun:ended], values[begun:ended], strict=True))
        replay._trials[trial_id] = _trial(trial_id, record, reports, distributions)
        replay._trial_id_to_study_id[trial_id] = study
        replay._study_id_to_trial_ids.setdefault(study, []).append(trial_id)
        begun = ended
    for record in known["studies"]:
        study = _study(record)
        replay._studies[study._study_id] = study
        replay._study_id_to_trial_ids.setdefault(study._study_id, [])
    replay._next_study_id = known["next_study"]
    replay.log_number_read = position[0]
    return position


def completed(replay: JournalStorageReplayResult) -> dict[int, list[FrozenTrial]]:
    """study → its complete trials, by their numbers."""
    return {
        study: [replay._trials[k] for k in trials if replay._trials[k].state == TrialState.COMPLETE]
        for study, trials in replay._study_id_to_trial_ids.items()
    }


def _tail(journal: Path, position: Position) -> str:
    """A digest of the bytes before `position`; "" where the journal does not reach there."""
    begun = max(0, position[1] - TAIL)
    with journal.open("rb") as file:
        file.seek(begun)
        content = file.read(position[1] - begun)
    return hashlib.sha256(content).hexdigest() if len(content) == position[1] - begun else ""


def _study_record(study: FrozenStudy) -> list[Any]:
    directions = [direction.value for direction in study.directions]
    return [
        *(study._study_id, study.study_name, directions),
        *(study.user_attrs, study.system_attrs),
    ]


def _study(record: list[Any]) -> FrozenStudy:
    study_id, name, directions, user_attrs, system_attrs = record
    return FrozenStudy(
        study_name=name,
        direction=None,
        directions=[StudyDirection(value) for value in directions],
        user_attrs=user_attrs,
        system_attrs=system_attrs,
        study_id=study_id,
    )


def _trial_record(
    trial: FrozenTrial, distributions: dict[str, tuple[int, BaseDistribution]]
) -> list[Any]:
    """Everything but the reports; distributions by their number in `distributions`."""
    chosen = {}
    for name, distribution in trial.distributions.items():
        # by its text: choices (1, 2) and (true, 2) are equal otherwise
        known = distributions.setdefault(repr(distribution), (len(distributions), distribution))
        chosen[name] = known[0]
    times = [
        None if moment is None else moment.timestamp()
        for moment in (trial.datetime_start, trial.datetime_complete)
    ]
    return [
        *(trial.number, trial.state.value, trial._values, trial.params, chosen),
        *(trial.user_attrs, trial.system_attrs, *times),
    ]


def _trial(
    trial_id: int,
    record: list[Any],
    reports: dict[int, float],
    distributions: list[BaseDistribution],
) -> FrozenTrial:
    number, state, values, params, chosen, user_attrs, system_attrs, start, end = record
    return FrozenTrial(
        trial_id=trial_id,
        number=number,
        state=TrialState(state),
        value=None,
        values=values,
        params=params,
        distributions={name: distributions[k] for name, k in chosen.items()},
        user_attrs=user_attrs,
        system_attrs=system_attrs,
        intermediate_values=reports,
        datetime_start=None if start is None else datetime.fromtimestamp(start),
        datetime_complete=None if end is None else datetime.fromtimestamp(end),
    )
