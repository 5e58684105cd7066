"""A study that most tests of this folder look at."""

from pathlib import Path

import optuna
import pytest
from study_examples import begin, search


@pytest.fixture
def conditional(tmp_path: Path) -> optuna.Study:
    """Forty trials: complete, pruned and diverged ones of a conditional space."""
    study = begin(tmp_path / "multirun" / "conditional")
    search(study, 40, fails=lambda k: k % 11 == 7)
    return study
