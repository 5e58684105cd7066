"""The tables of a comparison as text: headings and cells, for the terminal and the page."""

from dataclasses import dataclass

from trialsmith.study.stages.comparison import Comparison
from trialsmith.study.stages.controls import Controls
from trialsmith.study.stages.decision import judged
from trialsmith.study.stages.stability import smoothness
from trialsmith.study.stages.words import number, value


@dataclass(frozen=True)
class Lines:
    """A table; `marked` are the rows to stand out."""

    headings: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    marked: tuple[int, ...] = ()


def configurations_table(comparison: Comparison, most: int | None = None) -> Lines:
    """The rows by validation MAE, `most` of them; the chosen one is marked."""
    unit = f" ({comparison.unit})" if comparison.unit else ""
    chosen = comparison.decision[0] if comparison.decision else None
    rows = comparison.rows[:most]
    return Lines(
        headings=(
            *("fusion_layers", f"best_val_mae{unit}", f"test_mae{unit}"),
            *("w_graph", "w_text", "ratio", "judged", "loss", "val→test"),
        ),
        cells=tuple(
            (
                comparison.label(row),
                value(row.val_mae),
                value(row.test_mae),
                number(row.w_graph),
                number(row.w_text),
                number(row.ratio, ".2f"),
                judged(row.ratio),
                smoothness(row.train_backtracking),
                number(row.gap, "+.0%"),
            )
            for row in rows
        ),
        marked=tuple(k for k, row in enumerate(rows) if row is chosen),
    )


def controls_table(found: Controls, unit: str) -> Lines:
    """One row an arm: mean and 95 % interval, and the differences paired by seed."""
    shown = f" ({unit})" if unit else ""
    return Lines(
        headings=(
            *("control", "seeds", f"{found.split}_mae{shown}"),
            *("less graph only's", "less true text's"),
        ),
        cells=tuple(
            (
                arm.name,
                str(arm.seeds),
                value(arm.mae),
                value(arm.to_graph_only, sign=True),
                value(arm.to_true_text, sign=True),
            )
            for arm in found.arms
        ),
    )
