"""The picture of a run's fusion: what `fusion_weights.csv` holds, over the epochs."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt8
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from trialsmith.study.stages.decision import HEALTHY

Row = Mapping[str, int | float | str]
HEALTHY_BAND: dict[str, Any] = {"color": "#009E73", "alpha": 0.10, "linewidth": 0}
# of Okabe and Ito: told apart by the colour-blind, too
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#555555")
PANELS = {  # the quantity, that of its spread, and what it is
    "w_text": ("spread", "weight of the text, $w_\\mathrm{text}$"),
    "ratio": (None, "graph : text,  $(1 + w_\\mathrm{graph})\\,/\\,w_\\mathrm{text}$"),
    "gate": ("gate_spread", "opening of the gate"),
    "entropy": ("entropy_spread", "entropy of attention / largest possible"),
}


def draw(rows: Sequence[Row]) -> Figure:
    """A panel for each quantity that ``rows`` hold, and in it a curve for each fused place.

    Curves are means over atoms, the bands around them one standard deviation.

    Args:
        rows: of `fusion_weights.csv`, at least one, without what is empty.
    """
    curves = _by_place(rows)
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(curves)}
    present = [quantity for quantity in PANELS if any(quantity in row for row in rows)]
    columns = 2 if len(present) == 4 else len(present)
    lines = -(-len(present) // columns)
    figure = Figure(figsize=(0.6 + 4.2 * columns, 0.7 + 3.4 * lines), dpi=130, layout="constrained")
    for k, quantity in enumerate(present, start=1):
        axes = figure.add_subplot(lines, columns, k)
        for name, points in curves.items():
            _curve(axes, [row for row in points if quantity in row], quantity, colours[name])
        _dress(axes, quantity, last=max(int(row["epoch"]) for row in rows))
    handles: list[Artist] = [
        Line2D([], [], color=colour, linewidth=2, label=name) for name, colour in colours.items()
    ]
    if "ratio" in present:
        handles.append(Patch(**HEALTHY_BAND, label="healthy ratio, {:g}–{:g}".format(*HEALTHY)))
    figure.legend(handles=handles, loc="outside lower center", ncols=2 * columns, frameon=False)
    return figure


def pixels(figure: Figure) -> UInt8[np.ndarray, "height width 3"]:
    """The picture as TensorBoard takes it."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def _by_place(rows: Sequence[Row]) -> dict[str, list[Row]]:
    curves: dict[str, list[Row]] = {}
    for row in rows:
        site = str(row["site"]).replace("_", "-").replace(".", ": ")
        name = f"{site}, layer {row['layer']}" if "layer" in row else site
        curves.setdefault(name, []).append(row)
    return curves


def _curve(axes: Axes, points: Sequence[Row], quantity: str, colour: str) -> None:
    epochs = [row["epoch"] for row in points]
    mean = np.array([row[quantity] for row in points], dtype=float)
    # a lone epoch would be no line
    axes.plot(epochs, mean, color=colour, linewidth=2, marker="o" if len(points) < 8 else None)
    spread = PANELS[quantity][0]
    if spread is not None and points:
        width = np.array([row[spread] for row in points], dtype=float)
        low, high = np.clip(mean - width, 0, 1), np.clip(mean + width, 0, 1)
        axes.fill_between(epochs, low, high, color=colour, alpha=0.15, linewidth=0)


def _dress(axes: Axes, quantity: str, last: int) -> None:
    axes.set_title(PANELS[quantity][1], fontsize=11)
    axes.set_xlabel("epoch")
    axes.set_xlim(0.5, last + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
    if quantity != "ratio":
        axes.set_ylim(-0.02, 1.02)
        return
    axes.set_yscale("log")
    axes.axhspan(*HEALTHY, **HEALTHY_BAND)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 2.0), max(high, 14.0))
    axes.set_yticks([tick for tick in (2, 3, 5, 10, 20, 50, 100, 1000) if tick <= max(high, 14.0)])
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.minorticks_off()
