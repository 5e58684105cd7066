"""The trials that failed, by what went wrong."""

from dataclasses import dataclass

from trialsmith.study.table import StudyTable, TrialRow

NAMED = 12  # trials that are named of a kind

KINDS = {
    "diverged": "The score was no longer a finite number.",
    "out_of_memory": "There was not enough memory for the model and its batch.",
    "infeasible": "Values that cannot stand together.",
    "interrupted": "Stopped from outside; its point was queued again.",
    "error": "An exception: probably a bug.",
}


@dataclass(frozen=True)
class Failure:
    """Failed trials of one kind with one first line: the first few, and how many there are."""

    line: str
    trials: list[TrialRow]
    count: int


@dataclass(frozen=True)
class Kind:
    """A kind of failure, what it means, and its messages, the most frequent ones first."""

    name: str
    meaning: str
    count: int
    failures: list[Failure]
    more: int


def failures(table: StudyTable, most: int = 5) -> list[Kind]:
    """The kinds of failure, the most frequent first, each with at most `most` first lines."""
    by_kind: dict[str, dict[str, list[TrialRow]]] = {}
    for trial in table.trials:
        if trial.state == "failed":
            lines = by_kind.setdefault(trial.failure or "error", {})
            lines.setdefault(first_line(trial.message), []).append(trial)
    kinds = []
    for name, lines in by_kind.items():
        ordered = sorted(lines.items(), key=lambda item: -len(item[1]))
        found = [Failure(line, trials[:NAMED], len(trials)) for line, trials in ordered[:most]]
        count = sum(map(len, lines.values()))
        more = count - sum(failure.count for failure in found)
        kinds.append(Kind(name.replace("_", " "), KINDS.get(name, ""), count, found, more))
    return sorted(kinds, key=lambda kind: -kind.count)


def first_line(message: str) -> str:
    """The first line that says something."""
    return next((line.strip() for line in message.splitlines() if line.strip()), "no message")
