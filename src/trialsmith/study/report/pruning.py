"""What pruning saved."""

from dataclasses import dataclass
from statistics import median

from trialsmith.study.table import StudyTable


@dataclass(frozen=True)
class Saving:
    """Epochs and seconds that pruned trials did not take, beside those that all trials took.

    Attributes:
        full: epochs of a trial that is not pruned, the median.
        epochs: saved; `seconds` as well, None where no trial's time is known.
        trained: epochs, in all trials; `spent` seconds.
    """

    pruned: int
    full: int
    epochs: int
    trained: int
    seconds: float | None
    spent: float

    @property
    def share(self) -> float:
        """Of the epochs that it would have taken without pruning."""
        return self.epochs / (self.epochs + self.trained) if self.epochs else 0.0

    @property
    def trials(self) -> float:
        """Whole trials that the saved epochs would have been."""
        return self.epochs / self.full


def saving(table: StudyTable) -> Saving | None:
    """What was saved, as if each pruned trial had gone on like the median complete one.

    The time of an epoch is the trial's own. None before a trial was pruned and another completed.
    """
    complete = [t.epochs for t in table.trials if t.state == "complete" and t.epochs]
    pruned = [trial for trial in table.trials if trial.state == "pruned" and trial.epochs]
    if not complete or not pruned:
        return None
    full = round(median(complete))
    left = [(trial, max(0, full - (trial.epochs or 0))) for trial in pruned]
    timed = [(t.seconds / t.epochs) * rest for t, rest in left if t.seconds and t.epochs]
    return Saving(
        pruned=len(pruned),
        full=full,
        epochs=sum(rest for _, rest in left),
        trained=sum(trial.epochs or 0 for trial in table.trials),
        seconds=sum(timed) if timed else None,
        spent=sum(trial.seconds or 0.0 for trial in table.trials),
    )
