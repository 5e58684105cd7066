"""The page in a real browser, without a network; skipped where there is none."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

from trialsmith.study.report import report_page
from trialsmith.study.table import read

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
# the best trial's point in the first small picture, once that is in sight and nothing scrolls
BEST_POINT = """async () => {
  document.documentElement.style.scrollBehavior = "auto";
  const slice = document.querySelector("#slices .drawing").canvas;
  slice.canvas.scrollIntoView({block: "center"});
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
  const {left, top} = slice.canvas.getBoundingClientRect();
  const {x, y} = slice.groups.find((group) => group.look === "best");
  return [left + slice.px(x[0]), top + slice.py(y[0])];
}"""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium of the system, or playwright's own; CI installs the first."""
    with sync_api.sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, BROWSERS)), None)
        try:
            opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except sync_api.Error as error:
            pytest.skip(f"no browser: {str(error).splitlines()[0]}")
        yield opened
        opened.close()


@pytest.mark.slow
def test_it_draws_sorts_filters_and_runs_no_text(
    browser: Any, conditional: optuna.Study, tmp_path: Path
) -> None:
    place = tmp_path / "report.html"
    place.write_text(report_page(read(conditional), tmp_path))
    context = browser.new_context(offline=True, color_scheme="light")
    context.set_default_timeout(60_000)  # on cores that other tests use
    page = context.new_page()
    said: list[str] = []
    page.on("dialog", lambda dialog: said.append("alert"))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    page.goto(place.as_uri())
    page.wait_for_selector("html[data-ready=yes]", state="attached", timeout=60_000)

    drawn = page.locator(".drawing").count()
    assert page.locator(".drawing svg.main-svg, .drawing canvas").count() >= drawn > 5

    labels = page.locator("#slices canvas").evaluate_all("all => all.map((one) => one.ariaLabel)")
    assert set(labels) == {f"Trials by {key}" for key in read(conditional).keys}

    best = str(conditional.best_trial.number)
    page.get_by_role("button", name="val/mae", exact=True).click()
    assert page.locator("#table tbody th").first.inner_text() == best
    page.fill("#filter", "state=diverged")
    assert page.locator("#table tbody th").count() == 3
    page.fill("#filter", "")
    page.locator("#table .trial").first.click()
    assert f"trial {best}" in page.locator("dialog").inner_text()
    page.keyboard.press("Escape")

    hint = page.locator("#hint")
    for _ in range(20):  # a scroll that is not over yet hides it again
        page.mouse.move(*page.evaluate(BEST_POINT))
        if hint.is_visible():
            break
        page.mouse.move(0, 0)
    assert f"trial {best}" in hint.inner_text()
    page.mouse.move(0, 0)

    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.click("#theme")
    assert page.evaluate(background) != light
    assert said == []
    context.close()
