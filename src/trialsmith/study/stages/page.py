"""`comparison.html`: the tables, the findings and the pictures, readable without a network."""

from html import escape

from trialsmith.study.page import LIBRARY, document, drawing
from trialsmith.study.stages.comparison import Comparison
from trialsmith.study.stages.figures import figures
from trialsmith.study.stages.tables import Lines, configurations_table, controls_table
from trialsmith.study.stages.words import CONTROLS, findings

NOTE = (
    "Means over seeds with their 95 % intervals, where there are several. The weights are those of "
    "the last epoch on average over atoms and fused layers. The test error is of the epoch that "
    "validation chose; no choice looks at it."
)


def comparison_page(
    comparison: Comparison, commands: dict[str, str], unfinished: str | None = None
) -> str:
    """HTML of a comparison; beside it must be plotly's file.

    Args:
        commands: to paste, by what they do.
        unfinished: what the search lacks; None: it is at its end.
    """
    parts = [_table(configurations_table(comparison))]
    for heading, lines in findings(comparison).items():
        parts.append(f"<h2>{escape(heading)}</h2>")
        if heading == CONTROLS and comparison.controls is not None:
            parts.append(_table(controls_table(comparison.controls, comparison.unit)))
        parts.append(f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>")
    for name, command in commands.items():
        parts.append(f"<h2>{escape(name)}</h2><pre>{escape(command)}</pre>")
    parts.append(LIBRARY)
    for k, (heading, figure) in enumerate(figures(comparison).items()):
        parts.append(f"<h2>{escape(heading)}</h2>{drawing(figure, str(k))}")
    note = NOTE if unfinished is None else f"{unfinished} {NOTE}"
    return document(f"{comparison.name}: comparison", note, "\n".join(parts))


def _table(table: Lines) -> str:
    head = "".join(f"<th>{escape(heading)}</th>" for heading in table.headings)
    rows = []
    for k, cells in enumerate(table.cells):
        style = ' class="marked"' if k in table.marked else ""
        rows.append(f"<tr{style}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>")
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"
