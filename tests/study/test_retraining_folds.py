"""A retraining over all folds keeps what each fold leaves."""

from pathlib import Path

from trialsmith.study.retraining.candidate import Candidate
from trialsmith.study.retraining.plan import Run
from trialsmith.study.retraining.results import training_history


def test_a_run_over_folds_has_a_history_of_each(tmp_path: Path) -> None:
    runs = [Run(name, Candidate(name, None), None) for name in ("one", "folds")]
    for part, value in (("one", 1), ("folds/fold_0", 2), ("folds/fold_1", 3)):
        (tmp_path / part).mkdir(parents=True)
        (tmp_path / part / "history.csv").write_text(f"epoch,val/loss\n1,{value}\n")
    found = training_history(runs, tmp_path)
    assert {name: columns["val/loss"] for name, columns in found.items()} == {
        "one": [1.0],
        "folds/fold_0": [2.0],
        "folds/fold_1": [3.0],
    }
