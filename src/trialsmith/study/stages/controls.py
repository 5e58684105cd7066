"""What the text is worth: the same model with true, shuffled and no text, and with the graph alone.

All are compared seed by seed: what a seed decides alike in two arms, above all the initial weights
of one model with several texts, drops out of their difference.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trialsmith.study.stages.configuration import ARMS, GRAPH_ONLY, Configuration
from trialsmith.study.stages.estimate import Estimate, estimate
from trialsmith.study.stages.run import Run

ORDER = (*ARMS.values(), GRAPH_ONLY)
TRUE, SHUFFLED, NONE = ARMS.values()


@dataclass(frozen=True)
class Arm:
    """One row of the controls.

    Attributes:
        mae: mean over the seeds.
        to_graph_only: the paired difference, MAE less graph only's; below 0: better.
        to_true_text: the paired difference, MAE less true text's; above 0: worse.
        seeds: how many.
    """

    name: str
    fusion_layers: str
    mae: Estimate
    to_graph_only: Estimate
    to_true_text: Estimate
    seeds: int


@dataclass(frozen=True)
class Controls:
    """The arms of one fused configuration, and the split on which they are compared."""

    split: str
    arms: tuple[Arm, ...]

    def arm(self, name: str) -> Arm | None:
        return next((arm for arm in self.arms if arm.name == name), None)


def controls(rows: Sequence[Configuration]) -> Controls | None:
    """The controls among `rows`; None where there are none.

    Graph only beside true text makes a control once there are several seeds. On the test split if
    it was scored, else on the validation split, which has chosen the epochs of all arms alike. Of
    several fused configurations it is about the one with the best true text.
    """
    fused = next((row for row in rows if row.arm == TRUE), None)
    if fused is None:
        return None
    chosen = [fused, *(row for row in rows if row.arm != TRUE and _is_control(row, fused))]
    arms = {row.arm for row in chosen}
    if len(arms) < 2 or (arms == {TRUE, GRAPH_ONLY} and len(fused.runs) < 2):
        return None
    split = "val" if any(math.isnan(row.test_mae.mean) for row in chosen) else "test"
    by_arm = {row.arm: row for row in reversed(chosen)}
    shown = [_arm(by_arm[name], by_arm, split) for name in ORDER if name in by_arm]
    return Controls(split, tuple(shown))


def verdicts(found: Controls) -> list[str]:
    """What the controls say, in words."""
    words = []
    true, graph = found.arm(TRUE), found.arm(GRAPH_ONLY)
    if true is not None and graph is not None:
        words.append(_on_graph(true.to_graph_only, graph.mae.mean))
    for name, what in ((SHUFFLED, "texts shuffled among the crystals"), (NONE, "texts removed")):
        arm = found.arm(name)
        if arm is not None:
            words.append(_on_text(arm.to_true_text, what))
    return words


def _is_control(row: Configuration, fused: Configuration) -> bool:
    """Whether `row` differs from `fused` by its text or fusion alone."""
    apart = {
        key for key in {*row.params, *fused.params} if row.params.get(key) != fused.params.get(key)
    }
    if row.arm == GRAPH_ONLY:
        return all(key == "data.texts" or key.partition(".")[0] == "fusion" for key in apart)
    return apart <= {"data.texts"}


def _arm(row: Configuration, by_arm: dict[str, Configuration], split: str) -> Arm:
    return Arm(
        name=row.arm,
        fusion_layers=row.fusion_layers,
        mae=row.test_mae if split == "test" else row.val_mae,
        to_graph_only=_paired(row, by_arm.get(GRAPH_ONLY), split),
        to_true_text=_paired(row, by_arm.get(TRUE), split),
        seeds=len(row.runs),
    )


def _paired(row: Configuration, other: Configuration | None, split: str) -> Estimate:
    """The mean difference over the seeds that both have."""
    if other is None or other is row:
        return Estimate(math.nan)
    theirs = {run.seed: _mae(run, split) for run in other.runs}
    return estimate([_mae(run, split) - theirs[run.seed] for run in row.runs if run.seed in theirs])


def _mae(run: Run, split: str) -> float:
    return run.test_mae if split == "test" else run.val_mae


def _on_graph(difference: Estimate, graph: float) -> str:
    if math.isnan(difference.half_width):
        return "Whether text helps is open: an interval needs two seeds that both arms have."
    share = f"{abs(difference.mean / graph):.1%}" if graph else "—"
    if difference.high < 0:
        return f"Text helps: its MAE is {share} below graph only's, and the interval excludes 0."
    if difference.low > 0:
        return (
            f"Text does not help on these data: it does harm, its MAE is {share} above graph "
            "only's, and the interval excludes 0."
        )
    return (
        "Text is not shown to help on these data: the interval of the difference to graph only "
        "includes 0."
    )


def _on_text(difference: Estimate, what: str) -> str:
    if math.isnan(difference.half_width):
        return f"Whether {what} do worse is open: an interval needs two seeds that both arms have."
    if difference.low > 0:
        return f"With {what} the model is worse: it reads what the true texts say."
    if difference.high < 0:
        return f"With {what} the model is even better: the true texts mislead it."
    return (
        f"With {what} the model is not shown to be worse: what the fusion adds need not come from "
        "what the texts say."
    )
