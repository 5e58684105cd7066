"""Which of a study's trials are meant: the best, some by number, or the first few of the best."""

from collections.abc import Sequence

from trialsmith.errors import SearchError
from trialsmith.study.table import StudyTable, TrialRow


def chosen_trials(
    table: StudyTable, numbers: Sequence[int] = (), top: int | None = None
) -> list[TrialRow]:
    """The trials of these numbers; without any, so many of the best, or the best one.

    Raises:
        SearchError: no such trial, none that is complete, or several objectives and no number.
    """
    if numbers:
        return [_numbered(table, number) for number in numbers]
    if len(table.directions) > 1:
        front = ", ".join(str(trial.number) for trial in table.front) or "none yet"
        raise SearchError(
            f"study {table.name} has several objectives, and no single best trial: choose one of "
            f"its Pareto front with --trial N ({front})"
        )
    scored = [trial for trial in table.trials if trial.scored]
    ranked = sorted(scored, key=lambda trial: table.signs[0] * trial.values[0])
    if not ranked:
        raise SearchError(f"study {table.name} has no complete trial yet")
    if top is not None and top < 1:
        raise SearchError(f"--top {top}: give 1 or more")
    return ranked[: top or 1]


def _numbered(table: StudyTable, number: int) -> TrialRow:
    row = next((row for row in table.trials if row.number == number), None)
    if row is None:
        known = f"it has trials 0 to {len(table.trials) - 1}" if table.trials else "it has none"
        raise SearchError(f"study {table.name} has no trial {number}; {known}")
    if row.folder is None:
        raise SearchError(f"trial {number} of study {table.name} left no folder: it is {row.state}")
    return row
