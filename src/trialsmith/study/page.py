"""A page with one plotly figure that works without a network, and with any text in it."""

import importlib.resources
import json
from html import escape
from string import Template
from typing import Any

from trialsmith.study.formats import plain

PLOTLY = "plotly.min.js"  # one copy a folder, beside the pages: it has 4.8 MB

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem;
         padding: 0 1rem; color: #1f2933; }
  h1 { font-size: 1.35rem; margin: 0; }
  p { color: #52606d; margin: .3rem 0 1rem; max-width: 60rem; }
</style>
</head>
<body>
<h1>$title</h1>
<p>$note</p>
$figure
</body>
</html>
""")

_FIGURE = Template("""<div id="figure" style="height: ${height}px"></div>
<script type="application/json" id="content">$content</script>
<script src="$plotly"></script>
<script>
  const figure = document.getElementById("figure");
  if (window.Plotly) {
    const {data, layout} = JSON.parse(document.getElementById("content").textContent);
    Plotly.newPlot(figure, data, layout, {responsive: true, displaylogo: false});
  } else {
    figure.textContent = "$plotly must be beside this page: send both files.";
  }
</script>""")


def page(title: str, note: str, figure: dict[str, Any] | None) -> str:
    """HTML of `figure` (plotly's `data` and `layout`) under a heading and a note of plain text.

    Without a figure the note stands alone. Beside the page must be the file `PLOTLY`.
    """
    drawn = ""
    if figure is not None:
        height = figure["layout"].get("height", 600)
        drawn = _FIGURE.substitute(height=height, content=_embedded(figure), plotly=PLOTLY)
    return _PAGE.substitute(title=escape(title), note=escape(note), figure=drawn)


def plotly_source() -> str:
    """The plotly library itself, as it was installed."""
    source = importlib.resources.files("plotly") / "package_data" / PLOTLY
    return source.read_text(encoding="utf-8")


def short(value: Any, width: int = 40) -> str:
    """`value` on one line, cut to `width` characters."""
    if isinstance(value, float):
        text = f"{value:.6g}"
    else:
        text = value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)
    text = " ".join(text.split()) or '""'
    return text if len(text) <= width else f"{text[: width - 1]}…"


def shown(value: Any, width: int = 40) -> str:
    """`value` as a label in a figure: short, and without plotly's pseudo-HTML."""
    return escape(short(value, width), quote=False)


def _embedded(figure: dict[str, Any]) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(plain(figure), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
