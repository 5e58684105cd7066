"""What the best trial is compared with: the configuration that was asked for before the search."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trialsmith.study.formats import plain
from trialsmith.study.table import StudyTable, TrialRow

NONE = (
    "No baseline was run, so the gain is not known: put the configuration that you would have "
    "used into hydra.sweeper.enqueue, and the search tries it too."
)


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
    enqueued = [trial for trial in table.trials if "enqueued" in trial.attributes]
    if enqueued:
        scored = [trial for trial in enqueued if trial.scored]
        ended = [trial for trial in enqueued if trial.end is not None]
        return Baseline((scored or ended or enqueued)[0], "enqueued")
    defaults = table.attributes.get("defaults")
    if not isinstance(defaults, Mapping):
        return None
    same = [trial for trial in table.trials if _is_default(trial.params, defaults)]
    return Baseline(same[0], "the default values") if same else None


def _is_default(params: Mapping[str, Any], defaults: Mapping[str, Any]) -> bool:
    return bool(params) and all(
        key.lstrip("+") in defaults and plain(value) == plain(defaults[key.lstrip("+")])
        for key, value in params.items()
    )
