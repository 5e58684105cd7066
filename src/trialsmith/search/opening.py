"""Opens a study: creates it, goes on with it, or puts it aside to begin anew.

A study remembers its space and the settings that its trials share. Going on with others would mix
what cannot be compared, so it is refused where the numbers would change their meaning.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import TrialState

from trialsmith.errors import SearchError
from trialsmith.search import ownership
from trialsmith.search.domains import identity
from trialsmith.search.space import Space, differences
from trialsmith.search.storage import open_storage, retried

log = logging.getLogger(__name__)

# These change what a score means; the last ones only how fast it is computed.
DECISIVE = ("data.", "monitor", "direction", "cost.", "command", "metric")
# the last of these only lets a run begin that had too few data
HARMLESS = ("data.cache_dir", "data.num_workers", "data.workers", "data.at_most")

TWO_WAYS = (
    "go on under another name with hydra.sweeper.study_name=NAME, or begin anew with "
    "+restart=true, which keeps the old study aside"
)


@dataclass(frozen=True)
class StudyPlan:
    """Everything that makes a study what it is.

    Attributes:
        folder: of the study, on this machine.
        url: of its storage, as `storage.storage_url` gives it.
        directions: `minimize` or `maximize`, for each objective.
        settings: config key → value, for the leaves of the configuration that are not searched.
        metric: what the objectives are called, as far as somebody says.
        defaults: what would be run without a search, as a point; a text says why it is none.
        note: leaves word in a folder `note(folder, name, url)` of where the study of that name is.
    """

    name: str
    folder: Path
    url: str
    directions: tuple[str, ...]
    space: Space
    settings: Mapping[str, Any]
    metric: Sequence[str] = ()
    defaults: Mapping[str, Any] | str = ""
    note: Callable[[Path, str, str], None] = lambda folder, name, url: None


def open_study(plan: StudyPlan, restart: bool = False) -> optuna.Study:
    """The study of `plan`, new or gone on with. The caller holds the study's lock.

    Raises:
        SearchError: the study was made for another space, data, metric or direction, or is to
            be begun anew while somebody works on it.
    """
    if restart:
        _put_aside(plan)
    storage = open_storage(plan.url)
    study = retried(
        lambda: optuna.create_study(
            study_name=plan.name,
            storage=storage,
            directions=[StudyDirection[name.upper()] for name in plan.directions],
            load_if_exists=True,
        )
    )
    plan.note(plan.folder, plan.name, plan.url)
    if check_study(study, plan):
        done = sum(t.state.is_finished() for t in study.get_trials(deepcopy=False))
        log.info("study %s goes on: %d trials have ended so far", plan.name, done)
    else:
        _remember(study, plan)
    return study


def check_study(study: optuna.Study, plan: StudyPlan) -> bool:
    """Whether `plan` goes on with `study`; else there is nothing in it yet that could be mixed up.

    Raises:
        SearchError: the study was made for another space, data, metric or direction.
    """
    _check_directions(study, plan)
    goes_on = "space" in study.user_attrs and not _is_abandoned(study)
    if goes_on:
        _check_space(study, plan)
        _check_settings(study, plan)
    return goes_on


def _is_abandoned(study: optuna.Study) -> bool:
    """Whether a search was ended, by wrong data or a bug perhaps, before any trial had a score."""
    opener = str(study.user_attrs.get("opened_by"))
    trials = study.get_trials(deepcopy=False)
    return all(trial.state == TrialState.FAIL for trial in trials) and ownership.is_dead(opener)


def _remember(study: optuna.Study, plan: StudyPlan) -> None:
    space = plan.space
    study.set_user_attr("opened_by", ownership.me())
    study.set_user_attr("settings", dict(plan.settings))
    study.set_user_attr("metric", list(plan.metric))
    study.set_user_attr("defaults", plan.defaults)
    # last: a study that has it is complete
    described = {"fingerprint": space.fingerprint, "parameters": space.describe()}
    study.set_user_attr("space", described)


def _check_directions(study: optuna.Study, plan: StudyPlan) -> None:
    directions = tuple(direction.name.lower() for direction in study.directions)
    if directions != plan.directions:
        raise SearchError(
            f"study {plan.name} has direction={', '.join(directions)}, this search "
            f"{', '.join(plan.directions)}: {TWO_WAYS}"
        )


def _check_space(study: optuna.Study, plan: StudyPlan) -> None:
    old = study.user_attrs["space"]
    if old["fingerprint"] == plan.space.fingerprint:
        return
    lines = "\n  ".join(differences(old["parameters"], plan.space.describe()))
    raise SearchError(
        f"the search space is not the one of study {plan.name}:\n  {lines}\n{TWO_WAYS}"
    )


def _check_settings(study: optuna.Study, plan: StudyPlan) -> None:
    old = study.user_attrs.get("settings", {})
    changed = setting_differences(old, plan.settings)
    decisive = [key for key in changed if key.startswith(DECISIVE) and key not in HARMLESS]
    if decisive:
        lines = "\n  ".join(changed[key] for key in decisive)
        raise SearchError(
            f"study {plan.name} was made with other data or another score:\n  {lines}\n{TWO_WAYS}"
        )
    if changed:
        lines = "\n  ".join(changed.values())
        log.warning(
            "study %s goes on with other settings than it began with:\n  %s", plan.name, lines
        )


def setting_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """A line for each key whose value is not the same in both."""
    return {
        key: f"{key}: was {_shown(old, key)}, is {_shown(new, key)}"
        for key in dict.fromkeys([*old, *new])
        # null is absent: a key that a later version of the configuration has does nothing yet
        if identity(old.get(key)) != identity(new.get(key))
    }


def _shown(settings: Mapping[str, Any], key: str) -> str:
    return identity(settings[key]) if key in settings else "absent"


def _put_aside(plan: StudyPlan) -> None:
    """Rename the study's folder, and the study itself where it is kept elsewhere."""
    name = f"{plan.name}.{time.strftime('%Y%m%d-%H%M%S')}"
    storage = open_storage(plan.url)
    if plan.name not in optuna.get_all_study_names(storage):
        return
    refuse_if_at_work(optuna.load_study(study_name=plan.name, storage=storage))
    inside = f"{plan.folder.absolute()}/"
    if inside not in plan.url:
        optuna.copy_study(
            from_study_name=plan.name,
            from_storage=storage,
            to_storage=storage,
            to_study_name=name,
        )
        optuna.delete_study(study_name=plan.name, storage=storage)
    open_storage.cache_clear()
    aside = plan.folder.with_name(name)
    _rename_contents(plan.folder, aside)
    if inside in plan.url:
        plan.note(aside, plan.name, plan.url.replace(inside, f"{aside.absolute()}/"))
    else:
        plan.note(aside, name, plan.url)
    log.info("the old study %s is kept as %s", plan.name, name)


def refuse_if_at_work(study: optuna.Study) -> None:
    """Raises SearchError while a search runs trials of `study`."""
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    owners = {str(t.user_attrs.get("owner")) for t in running}
    alive = sorted(owner for owner in owners if not ownership.is_dead(owner))
    if alive:
        raise SearchError(
            f"study {study.study_name} cannot be begun anew or moved while it is searched by "
            f"{', '.join(alive)}: end that first"
        )


def _rename_contents(folder: Path, aside: Path) -> None:
    """Move what `folder` holds into `aside`; its lock stays, for somebody may wait for it."""
    aside.mkdir(parents=True)
    for path in folder.iterdir():
        if path.name != LOCK:
            path.rename(aside / path.name)


LOCK = ".lock"
"""The file in a study's folder that the sweepers of one host take turns by."""


def sequence_of_directions(direction: str | Sequence[str]) -> tuple[str, ...]:
    """`direction` of the configuration, one for each objective.

    Raises:
        SearchError: one of them is neither minimize nor maximize.
    """
    names = (direction,) if isinstance(direction, str) else tuple(direction)
    wrong = [name for name in names if name not in ("minimize", "maximize")]
    if wrong or not names:
        raise SearchError(
            f"hydra.sweeper.direction={json.dumps(list(names))}: use minimize or maximize, "
            "or a list with one for each objective"
        )
    return names
