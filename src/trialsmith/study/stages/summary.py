"""`results_summary.csv`: one row a configuration."""

import math
from typing import Any

from trialsmith.study.formats import to_csv
from trialsmith.study.stages.comparison import Comparison
from trialsmith.study.stages.configuration import Configuration
from trialsmith.study.stages.decision import judged
from trialsmith.study.stages.stability import smoothness

COLUMNS = (
    *("fusion_layers", "text", "best_val_mae", "test_mae", "w_graph", "w_text", "ratio"),
    *("ratio_judged", "chosen", "runs", "val_mae_half_width", "test_mae_half_width"),
    *("val_test_gap", "train_backtracking", "val_backtracking", "loss", "unit", "trials"),
)


def results_summary(comparison: Comparison) -> str:
    """The rows by validation MAE, then the searched values by their config keys.

    `fusion_layers` is "none" for graph only; `…half_width` is of the 95 % interval of the mean over
    seeds; unknown values are empty.
    """
    keys = list(dict.fromkeys(key for row in comparison.rows for key in row.params))
    chosen = comparison.decision[0] if comparison.decision else None
    rows = [
        {**_facts(row, comparison.unit, row is chosen), **row.params} for row in comparison.rows
    ]
    return to_csv([*COLUMNS, *keys], rows)


def _facts(row: Configuration, unit: str, chosen: bool) -> dict[str, Any]:
    facts = {
        "fusion_layers": row.fusion_layers,
        "text": row.arm,
        "best_val_mae": row.val_mae.mean,
        "test_mae": row.test_mae.mean,
        "w_graph": row.w_graph,
        "w_text": row.w_text,
        "ratio": row.ratio,
        "ratio_judged": "" if math.isnan(row.ratio) else judged(row.ratio),
        "chosen": chosen,
        "runs": len(row.runs),
        "val_mae_half_width": row.val_mae.half_width,
        "test_mae_half_width": row.test_mae.half_width,
        "val_test_gap": row.gap,
        "train_backtracking": row.train_backtracking,
        "val_backtracking": row.val_backtracking,
        "loss": smoothness(row.train_backtracking),
        "unit": unit,
        "trials": " ".join(map(str, row.numbers)),
    }
    return {key: value for key, value in facts.items() if value != "" and value == value}  # no NaN
