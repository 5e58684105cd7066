"""The report of a study: its size, the time to make it, and the time until a browser has drawn it.

python benchmarks/analytic_search.py -m hydra.sweeper.n_trials=2000 hydra.sweeper.n_jobs=2
python benchmarks/report.py multirun/analytic --pictures /tmp/pictures
"""

import argparse
import shutil
import time
from pathlib import Path

from trialsmith.study.locate import open_study
from trialsmith.study.report import NAME, report_page
from trialsmith.study.table import read

SIZES = ((1440, 900), (1024, 768), (390, 844))


def main() -> None:
    """Make the page, open it at three sizes in light and dark, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path)
    parser.add_argument("--pictures", type=Path, help="folder for pictures of the whole page")
    arguments = parser.parse_args()
    begun = time.perf_counter()
    table = read(open_study(arguments.study))
    loaded = time.perf_counter()
    text = report_page(table, arguments.study)
    made = time.perf_counter()
    page = arguments.study / NAME
    page.write_text(text)
    reports = sum(len(trial.reports) for trial in table.trials)
    print(f"{len(table.trials)} trials, {reports} reports")
    print(f"read {loaded - begun:.2f} s, made {made - loaded:.2f} s")
    print(f"{page}: {page.stat().st_size / 1e6:.2f} MB")
    browse(page, arguments.pictures)


def browse(page: Path, pictures: Path | None) -> None:
    """Seconds until the page is loaded and all of its figures are drawn, without a network."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for width, height in SIZES:
            for scheme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme, offline=True
                )
                tab = context.new_page()
                begun = time.perf_counter()
                tab.goto(page.resolve().as_uri())
                loaded = time.perf_counter()
                tab.wait_for_selector("html[data-ready=yes]", state="attached", timeout=120_000)
                ready = time.perf_counter()
                print(f"{width}×{height} {scheme}: {loaded - begun:.2f} s, {ready - begun:.2f} s")
                if pictures is not None:
                    pictures.mkdir(parents=True, exist_ok=True)
                    name = pictures / f"report-{width}-{scheme}.png"
                    tab.screenshot(path=name, full_page=True)
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
