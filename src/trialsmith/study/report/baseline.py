"""What the best trial is compared with: the configuration that was asked for before the search."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trialsmith.search.domains import identity
from trialsmith.study.page import short
from trialsmith.study.table import StudyTable, TrialRow

ENQUEUED, DEFAULT = "enqueued", "the default values"


@dataclass(frozen=True)
class Baseline:
    """A trial that stands for what one would have used without a search, and why it does."""

    trial: TrialRow
    why: str


def baseline(table: StudyTable) -> Baseline | None:
    """The first trial that the user enqueued, or else one with the configuration's own values.

    Of several that were enqueued a scored one is taken where there is one, and of a point that was
    run again, because its process died, the last run.
    """
    begun = [trial for trial in table.trials if trial.state != "waiting"]
    enqueued = [trial for trial in begun if "enqueued" in trial.attributes]
    for found in (enqueued, [trial for trial in begun if _is_default(table, trial)]):
        if found:
            scored = [trial for trial in found if trial.scored]
            ended = [trial for trial in found if trial.end is not None]
            chosen = (scored or ended or found)[0]
            return Baseline(chosen, DEFAULT if _is_default(table, chosen) else ENQUEUED)
    return None


def without(table: StudyTable) -> str:
    """What to say of a study without a baseline: how to get one."""
    told = "No baseline was run, so the gain is not known."
    known = table.attributes.get("defaults")
    if isinstance(known, str) and known:
        return (
            f"{told} The configuration's own values are no point of what was searched "
            f"({short(known, 200)}): put the ones that you would have used into "
            "hydra.sweeper.enqueue=[{key: value, …}], and the search tries them too."
        )
    if any("enqueued" in trial.attributes for trial in table.trials):
        return "The baseline waits for its turn."
    return (
        f"{told} Search on with hydra.sweeper.enqueue=default and a hydra.sweeper.n_trials that is "
        "higher by one: the configuration's own values are tried next."
    )


def _is_default(table: StudyTable, trial: TrialRow) -> bool:
    defaults = table.attributes.get("defaults")
    if not isinstance(defaults, Mapping) or not trial.params:
        return False
    return _same(trial.params) == _same(defaults)


def _same(point: Mapping[str, Any]) -> dict[str, str]:
    """A point so that equal ones are equal: an override's `+` is no part of its key."""
    return {key.lstrip("+"): identity(value) for key, value in point.items()}
