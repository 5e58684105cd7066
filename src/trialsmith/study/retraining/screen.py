"""The last screen of a retraining."""

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from trialsmith.study.words import quantity


def last_screen(final: Mapping[str, Any], folder: Path) -> Group:
    """What came out, where it is, and what to do with it.

    Args:
        final: what `final_results.json` holds.
    """
    return Group(Text(""), *_candidates(final), _errors(final), *_lines(final, folder))


def _candidates(final: Mapping[str, Any]) -> Iterator[RenderableType]:
    if "candidates" not in final:
        return
    shown = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("candidate", final["monitor"], "in the search"):
        shown.add_column(Text(name), justify="left" if name == "candidate" else "right")
    for one in final["candidates"]:
        style = "bold green" if one["name"] == final["chosen"] else ""
        searched = quantity(one["score_in_search"])
        shown.add_row(Text(one["name"], style), Text(_with_spread(one["score"])), searched)
    yield shown
    yield Text("")


# What is shown of each target; `final_results.json` has all.
_SHOWN = {"mae": "MAE", "rmse": "RMSE", "r2": "R²", "accuracy": "accuracy", "f1": "F1"}


def _errors(final: Mapping[str, Any]) -> Table:
    """A row for each target and split."""
    shown = Table(box=None, header_style="bold", pad_edge=False)
    known = next(iter(final["val"].values()))
    names = {name: title for name, title in _SHOWN.items() if name in known}
    shown.add_column("target", overflow="fold")
    shown.add_column("split", no_wrap=True)
    for title in names.values():
        shown.add_column(title, justify="right", no_wrap=True)
    for target, unit in final["units"].items():
        label = f"{target}, {unit}" if unit else target
        for split in ("val", "test"):
            errors = final[split].get(target)
            if errors is not None:
                cells = [_with_spread(errors[name]) for name in names if name in errors]
                shown.add_row(Text(label), split, *cells)
        if final.get("ensemble"):
            mean = final["ensemble"][target]
            shown.add_row(Text(label), "test, ensemble", *[quantity(mean[n]) for n in names])
    return shown


def _with_spread(values: Mapping[str, Any]) -> str:
    spread = "" if values["std"] is None else f" ± {values['std']:.2g}"
    return f"{values['mean']:.4g}{spread}"


def _lines(final: Mapping[str, Any], folder: Path) -> Iterator[Text]:
    seeds = ", ".join(map(str, final["seeds"]))
    several = "; ± is the standard deviation over the seeds" if len(final["seeds"]) > 1 else ""
    named = f"seed{'s' if several else ''} {seeds}{several}"
    yield Text(f"\n{final['chosen']} of {final['source']}, {named}")
    searched = final["score_in_search"]
    if searched is not None:
        found = _with_spread(final["score"])
        yield Text(f"{final['monitor']} {found}, in the search {quantity(searched)}")
    if final["data"]["same_as_in_search"] is False:
        yield Text("The data are not those of the search: the two scores do not compare", "yellow")
    if final["failed"]:
        yield Text(f"failed: {', '.join(final['failed'])}", "red")
    place = shlex.quote(str(folder))
    for name, command in (
        ("Results", str(folder / "final_results.json")),
        ("Curves", f"tensorboard --logdir {place}"),
        ("Predict", f"trialsmith predict {place} FILES…"),
    ):
        yield Text.assemble(f"{name:9}", (command, "bold"), no_wrap=True, overflow="ignore")
