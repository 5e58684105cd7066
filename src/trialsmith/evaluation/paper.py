"""How all pictures look: large letters, thin frames, colours that the colour-blind tell apart."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#555555"  # of Okabe and Ito


def sheet(width: float, height: float) -> Figure:
    """An empty figure, inches; not one of pyplot's, which would be kept for ever."""
    return Figure(figsize=(width, height), dpi=120, layout="constrained")


def dress(axes: Axes, title: str, x: str, y: str) -> None:
    """Names the axes and takes away what tells nothing."""
    axes.set_title(title, fontsize=13)
    axes.set_xlabel(x, fontsize=12)
    axes.set_ylabel(y, fontsize=12)
    axes.tick_params(labelsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.2, linewidth=0.6)
    axes.set_axisbelow(True)
