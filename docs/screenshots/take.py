"""Pictures of every page, at four sizes and in both themes.

`python docs/screenshots/take.py LIBRARY PICTURES [--pages NAME,…] [--sizes NAME,…]
[--themes NAME,…]` serves a library made by `library.py`, gives its films stars, hearts, tags and
positions, and takes the pictures. `--readme` writes those that the README shows, beside this file.
`beside.py` puts the pictures of two versions side by side.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from library import FILMS, TAGS
from PIL import Image
from playwright.sync_api import BrowserContext, Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
SIZES: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1366, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "headset": {"viewport": {"width": 1280, "height": 720}, "has_touch": True},
    "large": {"viewport": {"width": 1280, "height": 720}},
    "tv": {"viewport": {"width": 1920, "height": 1080}},
}
PAGES = {
    "gallery": "/",
    "filtered": "/?tag=travel&min_rating=3",
    "filters": "/#filters",
    "search": "/?q=hollow",
    "no-match": "/?q=sailng",
    "favorites": "/favorites",
    "folders": "/folders",
    "folder": "/folder/2024-08%20Dolomites",
    "dates": "/?sort=recorded",
    "select": "/select",
    "history": "/history",
    "up-next": "/up-next",
    "later": "/later",
    "people": "/people",
    "tags": "/tags",
    "views": "/views",
    "triage": "/triage",
    "playlists": "/playlists",
    "playlist": "/playlist/1",
    "continue": "/continue",
    "lists": "/lists/selection?q=ridge",
    "popular": "/popular",
    "watch": "/?q=ridge#watch",
    "poster": "/?q=ridge#poster",
    "watch-portrait": "/?q=4022#watch",
    "watch-unreadable": "/admin/unreadable#unreadable",
    "error": "/nowhere",
    "dashboard": "/admin/performance",
    "changes": "/admin/changes",
    "work": "/admin/jobs",
    "storage": "/admin/storage",
    "unreadable": "/admin/unreadable",
    "missing": "/admin/missing",
    "bin": "/admin/bin",
    "duplicates": "/admin/duplicates",
    "usage": "/admin/usage",
    "log": "/admin/log",
    "doctor": "/admin/doctor",
    "connect": "/connect",
    "sign-in": "/sign-in",
}
LOADED = """(video) => video.readyState > 1 || new Promise((done) => {
    video.onloadeddata = () => done(true);
    setTimeout(done, 3000);
})"""
README = {
    "gallery": ("/", "desktop", "dark"),
    "watch": ("/?q=ridge#watch", "desktop", "light"),
    "dashboard": ("/admin/performance", "desktop", "light"),
    "phone": ("/", "phone", "dark"),
}


@contextmanager
def served(library: Path, data: Path, source: Path | None = None) -> Iterator[str]:
    """The address of a server of this library, which ends with the block; of the LVS whose source
    lies in a folder, or else of the installed one.
    """
    command = [sys.executable, "-m", "lvs", "serve", library, "--data", data, "--port", "0"]
    command += ["--host", "127.0.0.1", "--tls-port", "0"]
    process = subprocess.Popen(
        list(map(str, command)),
        env={
            **os.environ,
            **({"PYTHONPATH": str(source / "src")} if source else {}),
            "PYTHONUNBUFFERED": "1",
            "LVS_ANNOUNCE": "off",
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    lines = iter(process.stdout.readline, "")
    address = next(found[0] for line in lines if (found := re.search(r"https?://\S+", line)))
    try:
        yield address
    finally:
        process.terminate()
        process.wait(20)


def curate(address: str) -> None:
    """Stars, hearts, tags, views and positions, the same each time; nothing where there are any."""
    chance = random.Random(7)
    scenes = {film.path: film for film in FILMS}
    with httpx.Client(base_url=address, headers={"Origin": address}, timeout=60) as client:

        def give(url: str, **data: object) -> None:
            while client.post(url, data=data).status_code == httpx.codes.TOO_MANY_REQUESTS:
                time.sleep(0.2)

        found: list[dict[str, Any]] = []
        while len(found) < len(FILMS) or any(each["state"] == "new" for each in found):
            time.sleep(1)
            found = client.get("/api/videos", params={"limit": 200}).json()["videos"]
        if any(each["tags"] for each in found):
            return
        for each in sorted(found, key=lambda one: one["path"]):
            film = scenes.get(each["path"])
            if film is None:
                continue
            form, many = f"/videos/{each['media_hash']}", chance.random()
            tags = TAGS[film.scene]
            for tag in tags[: chance.randint(1, len(tags))]:
                give(f"{form}/tags", tag=tag)
            if many < 0.7:
                stars = chance.choice([3, 4, 4, 5, 5, 2])
                give(f"{form}/rating", value=stars)
            if many < 0.25:
                give(f"{form}/favorite", value=1)
            for _ in range(chance.choice([0, 0, 1, 2, 5, 12])):
                give(f"{form}/view")
            if chance.random() < 0.15:
                at = film.seconds * chance.uniform(0.2, 0.8)
                give(f"{form}/progress", position_s=f"{at:.1f}")
        listed = [each["media_hash"] for each in sorted(found, key=lambda one: one["title"])][:7]
        give("/playlists", name="Friday evening", description="With popcorn")
        for each in listed:
            give("/playlist/1/add", video=each)
        for each in listed[::3]:
            give(f"/videos/{each}/later", value=1)


def open_page(page: Page, address: str) -> None:
    """Open the address; after `#` stands what is to be opened there."""
    where, _, what = address.partition("#")
    page.goto(where)
    if what in ("watch", "poster"):
        page.goto(page.locator(".video-card h2 a").first.get_attribute("href", timeout=5000) or "/")
    if what == "unreadable":
        page.goto(page.locator(".rows h2 a").first.get_attribute("href", timeout=5000) or "/")
    if what == "poster":
        page.goto(page.locator("a[href$='/poster']").get_attribute("href") or "/")
    if what == "filters":
        opener = page.locator("#filters-button, #filters > summary").first
        if opener.is_visible():
            opener.click()
    for player in page.locator("#player").all():
        player.evaluate(LOADED)
    page.wait_for_timeout(700)


def take(context: BrowserContext, address: str, picture: Path) -> None:
    page = context.new_page()
    open_page(page, address)
    page.screenshot(path=picture)
    page.close()
    if picture.parent == HERE:  # a page needs no more colours, and takes a third of the bytes
        few = Image.open(picture).convert("RGB").quantize(256, kmeans=3)  # hearts stay red
        few.save(picture, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--pages", default=",".join(PAGES))
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--themes", default="dark,light")
    parser.add_argument("--readme", action="store_true")
    parser.add_argument("--source", type=Path, help="a checkout of another LVS")
    parser.add_argument("--data", type=Path, help="where it keeps its data")
    options = parser.parse_args()
    options.pictures.mkdir(parents=True, exist_ok=True)
    wanted = [
        (options.pictures / f"{name}-{size}-{theme}.png", PAGES[name], size, theme)
        for size in options.sizes.split(",")
        for theme in options.themes.split(",")
        for name in options.pages.split(",")
    ]
    if options.readme:
        wanted = [(HERE / f"{name}.png", *what) for name, what in README.items()]
    data = options.data or options.library.parent / "data"
    with served(options.library, data, options.source) as address:
        curate(address)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
            )
            for picture, where, size, theme in wanted:
                context = browser.new_context(
                    base_url=address, color_scheme=theme, reduced_motion="reduce", **SIZES[size]
                )
                if size == "large":
                    context.add_cookies([{"name": "size", "value": "large", "url": address}])
                try:
                    take(context, where, picture)
                except PlaywrightTimeout:
                    print(f"{picture.name}: nothing to see there", file=sys.stderr)
                context.close()
            browser.close()


if __name__ == "__main__":
    main()
