"""From a study to the comparison of its configurations."""

from pathlib import Path

import optuna

from trialsmith.errors import SearchError
from trialsmith.study.stages.comparison import Comparison, compared
from trialsmith.study.stages.run import read_runs
from trialsmith.study.table import read

SCORE = "val/mae"


def comparison(study: optuna.Study, folder: Path) -> Comparison:
    """The study's configurations compared.

    Raises:
        SearchError: its score is another one than val/mae.
    """
    table = read(study)
    if table.objectives != (SCORE,) or table.directions != ("minimize",):
        raise SearchError(
            f"study {table.name} searches for {', '.join(table.objectives)} "
            f"({', '.join(table.directions)}): stages compare by monitor={SCORE} "
            "direction=minimize"
        )
    return compared(table.name, table.unit, read_runs(table, folder))
