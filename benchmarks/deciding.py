"""The evening of a person with unrated films: stars and one tag for each of them, in three ways.

    python benchmarks/deciding.py [--films 1000] [--sample 60] [--keep FOLDER]

In bulk all of the films are decided, folder by folder; then that is taken back, and of the same
films as many as the sample says are decided in triage, and as many on their watch pages, as it was
before there was either. Chromium presses what a person would (each letter of a word that is typed
counts) and goes on once the answer is seen: the seconds are those that one waits, without any for
thinking. Needs Playwright and Chromium.
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
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import av
import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

LONGEST_WAIT_MS = 60_000
FOLDERS = 10
TAG = "evening"


def small_film(path: Path) -> bytes:
    """Six seconds of a moving picture, 640 by 360 points."""
    with av.open(str(path), "w") as film:
        video = film.add_stream("libx264", rate=25, options={"preset": "veryfast"})
        video.width, video.height, video.pix_fmt = 640, 360, "yuv420p"
        land = np.random.default_rng(1).integers(0, 255, (24, 48, 3), np.uint8)
        wide = Image.fromarray(land).resize((960, 480), Image.Resampling.BICUBIC)
        for number in range(150):
            picture = wide.crop((number * 2, number // 2, number * 2 + 640, number // 2 + 360))
            film.mux(video.encode(av.VideoFrame.from_image(picture)))
        film.mux(video.encode(None))
    return path.read_bytes()


def library(folder: Path, count: int) -> list[str]:
    """So many films in folders, each with an end of its own; their titles in order."""
    if folder.exists():
        return sorted(film.stem for film in folder.glob("*/*.mp4"))
    with TemporaryDirectory() as place:
        content = small_film(Path(place) / "film.mp4")
    names = []
    for number in range(count):
        trip = folder / f"Trip {number * FOLDERS // count}"
        trip.mkdir(parents=True, exist_ok=True)
        mark = number.to_bytes(16, "big")
        box = struct.pack(">I4s", 8 + len(mark), b"free") + mark
        names.append(f"Film {number:04}")
        (trip / f"{names[-1]}.mp4").write_bytes(content + box)
    return names


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


def in_bulk(page: Page, folder: str, count: int) -> int:
    """From the list of folders: the folder, Select, all of it, one word, and the stars."""
    page.locator(".folders a", has_text=folder).first.click()
    page.locator("#select").click()
    page.locator("#all").check()
    page.locator("[name=tags_add]").press_sequentially(TAG)
    page.locator(".bulk-stars button").nth(3).click()
    expect(page.locator("#bulk-said")).to_contain_text(f"{count:,} videos changed")
    page.goto("/folders")  # one click in the bar
    return 5 + len(TAG)


@dataclass(frozen=True)
class Evening:
    """Presses and seconds a film of one way."""

    way: str
    films: int
    presses: float
    mean_s: float
    median_s: float
    p95_s: float

    def row(self, count: int) -> str:
        whole = self.mean_s * count / 60
        return (
            f"| {self.way} | {self.films:,} | {self.presses:.2f} | {self.mean_s:.3f} |"
            f" {self.median_s:.3f} | {self.p95_s:.3f} | {self.presses * count:,.0f} presses,"
            f" {whole:,.1f} min |"
        )


def one_by_one(
    page: Page, way: str, names: list[str], decide: Callable[[Page, str], int]
) -> Evening:
    """Decide all but the last film."""
    presses, took = 0, []
    for name, following in pairwise(names):
        start = time.perf_counter()
        presses += decide(page, name)
        expect(page.locator("h1").filter(has_text=following)).to_be_visible()
        took.append(time.perf_counter() - start)
    median, p95 = statistics.median(took), sorted(took)[int(0.95 * len(took))]
    mean = statistics.mean(took)
    return Evening(way, len(took), presses / len(took), mean, median, p95)


def all_in_bulk(page: Page, count: int) -> Evening:
    """Decide every film, folder by folder, and take that back in the end."""
    presses, took, each = 0, [], count // FOLDERS
    page.goto("/folders")
    for number in range(FOLDERS):
        start = time.perf_counter()
        presses += in_bulk(page, f"Trip {number}", each)
        took.append((time.perf_counter() - start) / each)
    assert counted(page, "?unrated=1") == 0
    lines = page.request.get(f"/api/admin/changes?what=bulk&limit={FOLDERS}").json()["changes"]
    for line in lines:
        assert page.request.post(f"/api/changes/{line['id']}/undo").ok
    assert counted(page, "?unrated=1") == count
    median, p95 = statistics.median(took), sorted(took)[int(0.95 * len(took))]
    return Evening("bulk", count, presses / count, statistics.mean(took), median, p95)


def counted(page: Page, query: str = "") -> int:
    """The number of films that a query selects."""
    found = re.search(r"<p>([0-9,]+) videos", page.request.get(f"/select{query}").text())
    assert found
    return int(found[1].replace(",", ""))


def wait_until_analysed(page: Page, count: int) -> None:
    """Wait until every film was found and looked into."""
    while True:
        counts = page.request.get("/api/admin/jobs?limit=1").json()["counts"]
        if counted(page) == count and not (counts["waiting"] or counts["running"]):
            return
        time.sleep(1)


def begin_anew(page: Page) -> None:
    """Take away what an earlier run gave the films."""
    wanted = {"where": {}, "set": {"rating": 0, "tags_remove": [TAG]}}
    assert page.request.post("/api/bulk", data=wanted).ok


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=1000, help="a multiple of ten")
    parser.add_argument("--sample", type=int, default=60)
    parser.add_argument("--keep", type=Path, help="a folder that keeps the films for the next run")
    arguments = parser.parse_args()
    count, sample = arguments.films, min(arguments.sample, arguments.films // 2 - 1)
    with TemporaryDirectory() as temporary, sync_playwright() as playwright:
        folder = arguments.keep or Path(temporary)
        names = library(folder / "Videos", count)
        with served(folder / "Videos", folder / "data") as address:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(base_url=address)
            page.set_default_timeout(LONGEST_WAIT_MS)
            wait_until_analysed(page, count)
            begin_anew(page)
            found = [all_in_bulk(page, count)]
            order = "sort=title&order=desc&limit=1"  # the last one has the tag, so it is offered
            last = page.request.get(f"/api/videos?{order}").json()["videos"][0]
            tags = f"/api/videos/{last['media_hash']}/tags"
            assert page.request.post(tags, data={"tag": TAG}).ok
            page.goto("/triage?sort=title")
            found.append(one_by_one(page, "triage", names[: sample + 1], in_triage))
            first = names[sample + 1]
            page.goto(
                f"/watch/Trip%20{(sample + 1) * FOLDERS // count}/{quote(first)}.mp4?sort=title"
            )
            old_names = names[sample + 1 : 2 * sample + 2]
            found.append(one_by_one(page, "watch pages", old_names, on_its_page))
            browser.close()
    print(
        f"{count:,} unrated films, each given stars and one tag; one by one a sample of {sample}."
    )
    print("| way | films | presses a film | s a film | median s | p95 s | all films |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for each in found:
        print(each.row(count))


if __name__ == "__main__":
    main()
