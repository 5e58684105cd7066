"""The comparison on the terminal."""

from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from trialsmith.study.stages.comparison import Comparison
from trialsmith.study.stages.tables import Lines, configurations_table, controls_table
from trialsmith.study.stages.words import findings

MOST_ROWS = 12  # on the screen; the files have all


def screen(
    comparison: Comparison,
    files: list[Path],
    commands: dict[str, str],
    unfinished: str | None = None,
) -> Group:
    """What `rich` prints after a stage: the table, the controls, the findings, what comes next.

    Args:
        files: that were written.
        commands: to paste, by what they do.
        unfinished: what the search lacks; None: it is at its end.
    """
    parts: list[RenderableType] = [Text(""), Text(f"Comparison of {comparison.name}", "bold")]
    if unfinished is not None:
        parts.append(_line(unfinished, "yellow"))
    parts += _drawn(configurations_table(comparison, MOST_ROWS))
    left = len(comparison.rows) - MOST_ROWS
    if left > 0:
        parts.append(Text(f"… and {left} more rows"))
    if comparison.controls is not None:
        parts += [Text(""), *_drawn(controls_table(comparison.controls, comparison.unit))]
    parts.append(Text(""))
    for heading, lines in findings(comparison).items():
        for k, line in enumerate(lines):
            shown = f"{'' if k else heading:11}"
            parts.append(Text.assemble((shown, "cyan"), line, no_wrap=True, overflow="ignore"))
    parts += [_command("" if k else "Files", str(file)) for k, file in enumerate(files)]
    parts += [_command(name, command) for name, command in commands.items()]
    return Group(*parts)


def _drawn(table: Lines) -> list[Text]:
    """The table line by line: a narrow screen folds a line, and none of its cells is cut."""
    columns = list(zip(table.headings, *table.cells, strict=True))
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for k, cells in enumerate((table.headings, *table.cells), -1):
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        style = "bold" if k < 0 else "bold green" if k in table.marked else ""
        lines.append(_line("  ".join(padded).rstrip(), style))
    return lines


def _line(text: str, style: str = "") -> Text:
    return Text(text, style, no_wrap=True, overflow="ignore")


def _command(name: str, command: str) -> Text:
    return Text.assemble(f"{name:11}", (command, "bold"), no_wrap=True, overflow="ignore")
