"""Stars and one tag for each film of an evening: half of them in triage, half on their watch pages.

    python benchmarks/deciding.py [--films 40]

Chromium presses what a person would, and goes on once the next film's title is shown: the seconds
are those that one waits, without any for thinking. Needs Playwright and Chromium.
"""

import argparse
import re
import shutil
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from films import make_films
from playwright.sync_api import Page, expect, sync_playwright

LONGEST_WAIT_MS = 60_000


def library(folder: Path, count: int) -> None:
    """So many films with two scenes' worth of content, each with an end of its own."""
    folder.mkdir()
    with TemporaryDirectory() as place:
        [film] = make_films(Path(place), 1)
        content = film.read_bytes()
    for number in range(count):
        mark = number.to_bytes(16, "big")
        box = struct.pack(">I4s", 8 + len(mark), b"free") + mark
        (folder / f"Film {number:03}.mp4").write_bytes(content + box)


@contextmanager
def served(folder: Path, data: Path) -> Iterator[str]:
    """The address of a server over a library, which ends with the block."""
    place = ["--data", data, "--host", "127.0.0.1", "--port", "0", "--tls-port", "0"]
    command = [sys.executable, "-m", "lvs", "serve", folder, *place]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    assert process.stdout
    lines = iter(process.stdout.readline, "")
    try:
        yield next(found[0] for line in lines if (found := re.search(r"https?://\S+", line)))
    finally:
        process.terminate()
        process.wait(20)


def in_triage(page: Page, name: str) -> int:
    """One key gives the tag, one the stars."""
    expect(page.locator(".triage-film h1")).to_have_text(name)
    page.keyboard.press("q")
    page.keyboard.press("4")
    return 2


def on_its_page(page: Page, name: str) -> int:
    """The stars, the tag out of those suggested, and the next film."""
    expect(page.locator(".title h1")).to_have_text(name)
    page.locator(".under .stars button").nth(2).click()
    page.locator(".edit-tags summary").click()
    page.locator(".tag-chips button").first.click()
    expect(page.locator(".seen-tag")).to_have_count(1)
    page.locator("#next").click()
    return 4


def evening(page: Page, label: str, names: list[str], decide: Callable[[Page, str], int]) -> None:
    """Decide all but the last film, and print what each took."""
    presses, took = 0, []
    for name, following in pairwise(names):
        start = time.perf_counter()
        presses += decide(page, name)
        expect(page.locator("h1").filter(has_text=following)).to_be_visible()
        took.append(time.perf_counter() - start)
    median, p95 = statistics.median(took), sorted(took)[int(0.95 * len(took))]
    print(f"| {label} | {presses / len(took):.1f} | {median:.2f} | {p95:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=40)
    count = parser.parse_args().films
    half = count // 2
    names = [f"Film {number:03}" for number in range(count)]
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        library(Path(folder) / "Videos", count)
        with served(Path(folder) / "Videos", Path(folder) / "data") as address:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(base_url=address)
            page.goto("/")
            expect(page.locator("#sentence")).to_contain_text(
                f"{count} videos", timeout=LONGEST_WAIT_MS
            )
            order = "sort=title&order=desc&limit=1"  # the last one has the tag, so it is offered
            last = page.request.get(f"/api/videos?{order}").json()["videos"][0]
            tags = f"/api/videos/{last['media_hash']}/tags"
            assert page.request.post(tags, data={"tag": "evening"}).ok
            print(
                "| stars and a tag | presses a film | median s | p95 s |\n| --- | --- | --- | --- |"
            )
            page.goto("/triage?sort=title")
            evening(page, "triage", names[: half + 1], in_triage)
            page.goto(f"/watch/Film%20{half:03}.mp4?sort=title")
            evening(page, "watch pages", names[half:], on_its_page)
            browser.close()


if __name__ == "__main__":
    main()
