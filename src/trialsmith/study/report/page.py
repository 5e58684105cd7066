"""The page itself: what all sections found, put into a template with a copy of plotly.

Plotly's basic bundle, which has lines, points and bars, stands among the assets: the whole library,
as Python's package has it, is four times as large, and most of what a browser would wait for.
"""

import json
import shlex
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from trialsmith.study.formats import plain
from trialsmith.study.live import is_at_work
from trialsmith.study.page import short
from trialsmith.study.report import configuration, facts, pruning
from trialsmith.study.report.baseline import baseline
from trialsmith.study.report.curves import curves
from trialsmith.study.report.failures import failures
from trialsmith.study.report.fusion import fusion
from trialsmith.study.report.history import history
from trialsmith.study.report.importance import importance, ranked
from trialsmith.study.report.parallel import parallel
from trialsmith.study.report.pareto import pareto
from trialsmith.study.report.parity import parity
from trialsmith.study.report.runs import present, read_run
from trialsmith.study.report.section import Section, numbered
from trialsmith.study.report.slices import slices
from trialsmith.study.report.timeline import timeline, timeline_section
from trialsmith.study.report.trials import href, trials
from trialsmith.study.report.verdict import verdict, whiskers
from trialsmith.study.table import StudyTable, TrialRow
from trialsmith.study.words import duration, quantity

NAME = "report.html"
PLOTLY = "plotly-basic.min.js"
CANVASES = ("canvas.js", "parallel.js", "points.js")
SCRIPTS = ("theme.js", "trials.js", "table.js", *CANVASES, "figures.js")
ASSETS = files("trialsmith.study.report") / "assets"


def report_page(table: StudyTable, folder: Path, now: datetime | None = None) -> str:
    """HTML of the whole report of a study.

    Args:
        folder: the study's, from which links start and the best trial's files are read.
        now: when it is written.
    """
    now = now or datetime.now()
    best, before = table.best, baseline(table)
    run = read_run(folder, best)
    other = read_run(folder, before.trial) if before else read_run(folder, None)
    found = ranked(table)
    slots = timeline(table, now, is_at_work)
    values = configuration.values(best, before)
    said = verdict(table, best, before, (run, other))
    there = present(folder, table.trials)
    sections = [
        pareto(table, before),
        history(table, before),
        importance(table, found),
        slices(table, found[0], before),
        parallel(table),
        curves(table, before),
        parity(best, run),
        fusion(best, run),
        timeline_section(slots),
    ]
    return _render(
        sections=[section for section in sections if section is not None],
        table=table,
        written=now,
        running=sum(map(is_at_work, table.trials)),
        data=facts.data_of(table),
        facts=facts.facts(table, run, folder),
        settings=facts.settings_of(table),
        searched=facts.searched(table),
        best=best,
        before=before,
        verdict=said,
        whiskers=whiskers(table, best, before, said),
        values=values,
        edges=configuration.at_an_edge(values),
        slots=slots,
        saving=pruning.saving(table),
        failures=failures(table),
        front=_front(table),
        commands=_commands(table, folder, bool(run.predictions)),
        links={t.number: href(t.folder) for t in table.trials if t.folder in there},
        trials=trials(table, before, there),
        comparison=(folder / "comparison.html").is_file(),
    )


def _render(sections: Sequence[Section], trials: dict[str, Any], **values: Any) -> str:
    """The template with everything in its place; figures by their order on the page."""
    drawings = [drawing for section in sections for drawing in section.drawings]
    numbers = {id(drawing): k for k, drawing in enumerate(drawings)}
    figures = [{"data": drawing.data, "layout": drawing.layout} for drawing in drawings]
    return _template().render(
        sections=sections,
        number=lambda drawing: numbers[id(drawing)],
        figures=embedded(figures),
        trials=embedded(trials),
        n_trials=len(trials["number"]),
        plotly=Markup(_script(_asset(PLOTLY))),
        style=Markup(_asset("report.css")),
        scripts={name: Markup(_asset(name)) for name in SCRIPTS},
        **values,
    )


def embedded(value: Any) -> Markup:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(plain(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _script(source: str) -> str:
    """A library as it stands in a page: its own texts must not end the element either."""
    return source.replace("</script", "<\\/script").replace("<!--", "<\\!--")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "quantity": quantity,
        "duration": duration,
        "numbered": numbered,
        "brief": short,
    }
    return environment.from_string(_asset("report.html.j2"))


@cache
def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _front(table: StudyTable) -> list[TrialRow]:
    return table.front if len(table.objectives) > 1 else []


def _commands(table: StudyTable, folder: Path, trained: bool) -> dict[str, str]:
    """What to do next, as lines to paste."""
    place = shlex.quote(str(folder))
    found = {}
    if trained and table.best is not None:
        found["Train the best anew"] = f"trialsmith retrain {place}"
    if trained and len(table.objectives) > 1 and table.front:
        found["Train one of the front"] = (
            f"trialsmith retrain {place} --trial {table.front[0].number}"
        )
    found["Look at one trial"] = f"trialsmith status {place} --trial 0"
    found["All trials in a browser"] = f"trialsmith dashboard {place}"
    if trained:
        found["Curves and hyperparameters"] = f"tensorboard --logdir {place}"
    return found
