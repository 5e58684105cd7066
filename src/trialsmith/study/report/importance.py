"""Which parameters mattered, and how the score depends on each."""

from collections.abc import Sequence

from trialsmith.study.importance import (
    FEWEST,
    STEADY,
    Importance,
    importances,
    quantile,
    usable,
)
from trialsmith.study.page import short, shown
from trialsmith.study.report.section import Drawing, Section, compact, listed
from trialsmith.study.table import StudyTable

COLOURS = ("--complete", "--best", "--third", "--pruned")


def importance(table: StudyTable, found: Sequence[Sequence[Importance]]) -> Section | None:
    """Bars of the importances `found`, one list an objective; None before there is a score."""
    trials = usable(table)
    if not trials:
        return None
    if not any(found):
        lead = (
            f"Importances need {FEWEST} complete trials whose values differ; so far there "
            f"{'is' if len(trials) == 1 else 'are'} {len(trials)}."
        )
        return Section("importance", "What mattered", lead)
    first = next(objective for objective in found if objective)
    keys = [item.key for item in first]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": shown(name),
            "y": [_label(item, len(trials)) for item in reversed(objective)],
            "x": [compact(item.share) for item in reversed(objective)],
            "text": [f"{item.share:.0%}" for item in reversed(objective)],
            "textposition": "outside",
            "cliponaxis": False,
            "marker": {"color": COLOURS[k % len(COLOURS)]},
            "hoverinfo": "skip",
        }
        for k, (name, objective) in enumerate(zip(table.objectives, found, strict=True))
    ]
    layout = {
        "barmode": "group",
        "bargap": 0.35,
        "showlegend": len(found) > 1,
        "xaxis": {"visible": False, "fixedrange": True},
        "yaxis": {"automargin": True, "type": "category", "fixedrange": True, "showgrid": False},
        "margin": {"r": 48, "t": 8, "b": 8},
    }
    height = 50 + 26 * len(keys) * len(found)
    note = (
        f"PED-ANOVA over {len(trials):,} complete trials: how far each parameter's values among "
        f"the best {quantile(len(trials)):.0%} are from those among all."
    )
    if len(trials) < STEADY:
        note += f" Rough as yet: steady from about {STEADY} complete trials."
    drawing = Drawing(traces, layout, height)
    return Section("importance", "What mattered", _lead(first), [drawing], note)


def ranked(table: StudyTable) -> list[list[Importance]]:
    """The importances for each objective, the greatest first."""
    return [importances(table, k) for k in range(len(table.objectives))]


def _lead(found: Sequence[Importance]) -> str:
    top = [item for item in found if item.share >= 0.1][:3] or list(found[:1])
    words = [f"{short(item.key)} ({item.share:.0%})" for item in top]
    return f"Most of the difference between good and other trials lies in {listed(words)}."


def _label(item: Importance, trials: int) -> str:
    part = "" if item.trials == trials else f" ({item.trials:,} trials)"
    return f"{shown(item.key)}{part} "
