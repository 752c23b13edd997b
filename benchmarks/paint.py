"""When the largest thing of a page is painted, and how much moves while it loads, in Chromium.

`python benchmarks/paint.py LIBRARY` serves a library made by `docs/screenshots/library.py`. Each
page is opened in a new browser profile, so nothing is cached; the median of five is printed.
"""

import argparse
import statistics
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from sides import header, row

# Before this folder, which has another module `scenes`.
sys.path.insert(0, str(Path(__file__).parents[1] / "docs" / "screenshots"))
from take import CHROMIUM, SIZES, curate, served

PAGES = ("/", "/?q=hollow", "/?sort=recorded", "/folders", "/tags", "/playlists", "#watch")
TIMES = 5
MEASURE = """() => new Promise((answer) => {
    const found = { largest: 0, moved: 0 };
    new PerformanceObserver((list) => {
        for (const each of list.getEntries()) found.largest = each.startTime;
    }).observe({ type: "largest-contentful-paint", buffered: true });
    new PerformanceObserver((list) => {
        for (const each of list.getEntries()) if (!each.hadRecentInput) found.moved += each.value;
    }).observe({ type: "layout-shift", buffered: true });
    setTimeout(() => answer([found.largest, found.moved]), 1500);
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", type=Path, help="made by docs/screenshots/library.py")
    library = parser.parse_args().library
    header("page", "size", "largest paint, ms", "slowest, ms", "layout shift")
    with served(library, library.parent / "data") as address, sync_playwright() as playwright:
        curate(address)
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        for page in PAGES:
            for size in ("desktop", "phone", "headset", "tv"):
                found = [measured(browser, address, page, size) for _ in range(TIMES)]
                paints, moves = zip(*found, strict=True)
                row(page, size, statistics.median(paints), max(paints), f"{max(moves):.3f}")
        browser.close()


def measured(browser: Browser, address: str, where: str, size: str) -> tuple[float, float]:
    """Milliseconds until the largest paint, and the layout shift."""
    context = browser.new_context(base_url=address, **SIZES[size])
    page = context.new_page()
    if where == "#watch":
        found = context.request.get("/api/videos?q=ridge").json()["videos"][0]
        where = f"/v/{found['media_hash']}"
    page.goto(where)
    largest, moved = page.evaluate(MEASURE)
    context.close()
    return float(largest), float(moved)


if __name__ == "__main__":
    main()
