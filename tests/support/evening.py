"""A household of an evening: short films that play, a running server, and browsers as devices."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright
from support.chromium import CHROMIUM
from support.home import OLD_NS, distinct_video
from support.media import make_video
from support.processes import Server, serving

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --autoplay-policy=document-user-activation-required"
)
DEVICE: dict[str, Any] = {"viewport": {"width": 1366, "height": 900}}
SECONDS = 1.0


class EveningHouse:
    """A running server over a library folder, and a browser."""

    def __init__(self, server: Server, library: Path, browser: Browser) -> None:
        self.server = server
        self.library = library
        self.browser = browser

    @contextmanager
    def device(self, **options: object) -> Iterator[Page]:
        """A page of a device of its own. Errors in its scripts fail the test."""
        context = self.browser.new_context(base_url=self.server.address, **(DEVICE | options))
        errors: list[str] = []
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        context.close()
        assert errors == []


def film(library: Path, name: str, seconds: float = SECONDS) -> None:
    """A film with sound that Chromium plays."""
    path = library / name
    path.parent.mkdir(parents=True, exist_ok=True)
    make_video(path, size=(160, 90), seconds=seconds, sound=True)
    os.utime(path, ns=(OLD_NS, OLD_NS))


def picture(library: Path, name: str, number: int) -> None:
    """A film of its own for a card."""
    (library / name).write_bytes(distinct_video(number))
    os.utime(library / name, ns=(OLD_NS + number * 10**9, OLD_NS + number * 10**9))


@contextmanager
def evening_house(folder: Path, films: int, *flags: str) -> Iterator[EveningHouse]:
    """A server over the films that lie in `Videos`, once it knows all of them, and a browser."""
    library = folder / "Videos"
    with serving(library, folder, *flags) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        page = browser.new_page()
        page.goto(server.address)
        expect(page.locator("#count")).to_contain_text(f"{films} video", timeout=60_000)
        page.close()
        yield EveningHouse(server, library, browser)
        browser.close()
