"""Pages with plotly figures that work without a network, and with any text in them."""

import importlib.resources
import json
from html import escape
from string import Template
from typing import Any

from trialsmith.study.formats import plain

PLOTLY = "plotly.min.js"  # one copy a folder, beside the pages: it has 4.8 MB
LIBRARY = f'<script src="{PLOTLY}"></script>\n'  # once, before a page's first drawing

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
  h2 { font-size: 1.1rem; margin: 1.5rem 0 .3rem; }
  p { color: #52606d; margin: .3rem 0 1rem; max-width: 60rem; }
  table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
  th, td { padding: .2rem .8rem .2rem 0; text-align: left; border-bottom: 1px solid #e4e7eb; }
  .marked { font-weight: 600; }
  pre { background: #f5f7fa; padding: .6rem; overflow-x: auto; }
</style>
</head>
<body>
<h1>$title</h1>
<p>$note</p>
$body
</body>
</html>
""")

_FIGURE = Template("""<div id="figure$which" style="height: ${height}px"></div>
<script type="application/json" id="content$which">$content</script>
<script>{
  const figure = document.getElementById("figure$which");
  if (window.Plotly) {
    const {data, layout} = JSON.parse(document.getElementById("content$which").textContent);
    Plotly.newPlot(figure, data, layout, {responsive: true, displaylogo: false});
  } else {
    figure.textContent = "$plotly must be beside this page: send both files.";
  }
}</script>""")


def page(title: str, note: str, figure: dict[str, Any] | None) -> str:
    """HTML of `figure` (plotly's `data` and `layout`) under a heading and a note of plain text.

    Without a figure the note stands alone. Beside the page must be the file `PLOTLY`.
    """
    return document(title, note, "" if figure is None else LIBRARY + drawing(figure))


def document(title: str, note: str, body: str) -> str:
    """HTML of `body`, which is HTML, under a heading and a note of plain text."""
    return _PAGE.substitute(title=escape(title), note=escape(note), body=body)


def drawing(figure: dict[str, Any], which: str = "") -> str:
    """HTML of `figure`, behind `LIBRARY`; `which` tells it from the page's others."""
    height = figure["layout"].get("height", 600)
    content = _embedded(figure)
    return _FIGURE.substitute(which=which, height=height, content=content, plotly=PLOTLY)


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
