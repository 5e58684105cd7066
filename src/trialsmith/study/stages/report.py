"""What a stage leaves: `results_summary.csv`, `comparison.html`, and a screen."""

from pathlib import Path

import optuna
from rich.console import RenderableType
from rich.text import Text

from trialsmith.study.page import PLOTLY, plotly_source
from trialsmith.study.stages.commands import next_command
from trialsmith.study.stages.finished import lacking
from trialsmith.study.stages.page import comparison_page
from trialsmith.study.stages.reading import comparison
from trialsmith.study.stages.screen import screen
from trialsmith.study.stages.stage import STAGE
from trialsmith.study.stages.summary import results_summary
from trialsmith.study.writing import replace_text


def report(study: optuna.Study, folder: Path) -> RenderableType:
    """Write `results_summary.csv` and `comparison.html` into `folder`; what is to be shown.

    Raises:
        SearchError: the study searches for another score than val/mae.
        OSError: the folder cannot be written.
    """
    found = comparison(study, folder)
    if not found.rows:
        return Text("No trial is complete: there is nothing to compare yet.")
    lack = lacking(study)
    unfinished = None if lack is None else f"The search is not at its end: {lack}."
    commands = {} if unfinished else _commands(study)
    texts = {
        "results_summary.csv": results_summary(found),
        "comparison.html": comparison_page(found, commands, unfinished),
    }
    if not (folder / PLOTLY).exists():
        replace_text(folder / PLOTLY, plotly_source())
    for name, text in texts.items():
        replace_text(folder / name, text)
    return screen(found, [folder / name for name in texts], commands, unfinished)


def _commands(study: optuna.Study) -> dict[str, str]:
    """What to do next, of a study that is at its end."""
    stage = study.user_attrs[STAGE]
    if stage["then"] is None:
        return {}
    searched = study.user_attrs["space"]["parameters"]
    named = study.study_name if stage["named"] else None
    own = stage.get("own")  # not in studies of older versions
    return {"Next stage": next_command(stage["words"], stage["then"], searched, named, own)}
