"""Which way a score gets better."""

from collections.abc import Iterable
from typing import Literal

from trialsmith.errors import InfeasibleConfig

# Of a metric that is not listed, the user knows.
BETTER = {
    **dict.fromkeys(("loss", "mse", "mae", "rmse"), "minimize"),
    **dict.fromkeys(("r2", "accuracy", "f1"), "maximize"),
}


def told(names: Iterable[str]) -> str:
    """The metrics, with the direction that goes with each as far as it is known.

    >>> told(["val/f1", "val/loss"])
    'val/loss with direction=minimize; val/f1 with direction=maximize'
    """
    groups: dict[str, list[str]] = {"minimize": [], "maximize": [], "": []}
    for name in sorted(names):
        groups[BETTER.get(name.rpartition("/")[2], "")].append(name)
    return "; ".join(
        ", ".join(group) + (f" with direction={direction}" if direction else "")
        for direction, group in groups.items()
        if group
    )


def mode_of(direction: str, monitor: str) -> Literal["min", "max"]:
    """`direction` as PyTorch and Lightning call it.

    Raises:
        InfeasibleConfig: another word, or a direction in which `monitor` gets worse.
    """
    if direction not in ("minimize", "maximize"):
        raise InfeasibleConfig(f"direction={direction} must be minimize or maximize")
    right = BETTER.get(monitor.rpartition("/")[2], direction)
    if direction != right:
        better = "higher" if right == "maximize" else "lower"
        raise InfeasibleConfig(
            f"monitor={monitor} is better when it is {better}: add direction={right}"
        )
    return "max" if direction == "maximize" else "min"
