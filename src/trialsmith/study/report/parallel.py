"""All parameters side by side, one line a trial."""

from html import unescape
from typing import Any

from trialsmith.study.importance import usable
from trialsmith.study.parallel import parallel_coordinates
from trialsmith.study.report.section import Drawing, Section, spread
from trialsmith.study.table import StudyTable

MOST = 1000  # lines
WIDTH = 84  # pixels of an axis, below which the page scrolls sideways


def parallel(table: StudyTable) -> Section | None:
    """None with fewer than two trials that have a score."""
    complete = usable(table)
    if len(complete) < 2:
        return None
    # coloured by rank, so that an outlier does not take all of the colours; the best lie on top
    worst_first = sorted(complete, key=lambda t: -table.signs[0] * t.values[0])
    chosen = spread(worst_first, MOST)
    dimensions = parallel_coordinates(table, chosen)["data"][0]["dimensions"]
    figure = {
        "type": "parallel",
        "axes": [_axis(dimension) for dimension in dimensions],
        "numbers": [trial.number for trial in chosen],
        "wide": WIDTH * len(dimensions),
    }
    lead = "One line a trial, the best the brightest. Drag along an axis to choose trials there."
    note = "“absent” is a parameter that a trial did not have. A click on an axis chooses all."
    if len(chosen) < len(complete):
        note += f" {len(chosen):,} of {len(complete):,} complete trials, from best to worst."
    return Section(
        "parallel", "All parameters at once", lead, [Drawing([figure], {}, height=440)], note
    )


def _axis(dimension: dict[str, Any]) -> dict[str, Any]:
    """Places along the axis, from 0 at its lower end to 1, of the trials and of the ticks."""
    low, high = dimension["range"]

    def place(value: float) -> float:
        return round((value - low) / (high - low), 4)

    return {
        "label": unescape(dimension["label"]),  # plotly's labels are HTML, a canvas's are not
        "places": [place(value) for value in dimension["values"]],
        "ticks": [
            [place(value), text]
            for value, text in zip(dimension["tickvals"], dimension["ticktext"], strict=True)
        ],
    }
