"""A server, a browser, and one watch page after the other: what a player shows and sounds like."""

import base64
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from support import loopback
from support.chromium import CHROMIUM
from support.processes import Server, serving, until

NEEDS_CHROMIUM = pytest.mark.skipif(
    CHROMIUM is None or sys.platform != "linux", reason="no Chromium on this machine"
)
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required"
)
PATIENCE_MS = 60_000
STEP_MS = 100
STATE = """() => {
    const video = document.getElementById("player");
    return {
        at: video.currentTime, length: video.duration, width: video.videoWidth,
        height: video.videoHeight, ready: video.readyState,
        sound: video.webkitAudioDecodedByteCount ?? video.mozHasAudio,
        source: video.currentSrc, error: video.error?.message ?? "",
        trouble: !document.getElementById("playback-trouble").hidden,
    };
}"""
SHOWN = """() => {
    const video = document.getElementById("player");
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d").drawImage(video, 0, 0);
    return canvas.toDataURL("image/png");
}"""
SEEK = """(at) => {
    const video = document.getElementById("player");
    video.pause();
    video.currentTime = at;
}"""


@dataclass(frozen=True)
class Cinema:
    """A server with films, all of them probed, and a browser."""

    server: Server
    library: Path
    browser: Browser

    @property
    def address(self) -> str:
        """The server's address."""
        return self.server.address

    def report(self) -> dict[str, Any]:
        """The dashboard's figures."""
        return report_of(self.server)

    @contextmanager
    def screen(self, **options: Any) -> Iterator["Screen"]:
        """A page of its own."""
        context = self.browser.new_context(base_url=self.address, **options)
        yield Screen(context.new_page())
        context.close()


@contextmanager
def cinema(library: Path, folder: Path, videos: int, *flags: str | Path) -> Iterator[Cinema]:
    """Serve a folder of so many films, and come back when every one is probed."""
    with serving(library, folder, *flags) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        running = Cinema(server, library, browser)
        until(lambda: is_settled(running.report(), videos))
        yield running
        browser.close()


def report_of(server: Server) -> dict[str, Any]:
    """The figures of a server's dashboard."""
    found: dict[str, Any] = loopback.get(f"{server.address}/admin/performance.json").json()
    return found


def is_settled(report: dict[str, Any], videos: int) -> bool:
    """True once so many films are known and nothing is left to be probed."""
    workers = report["workers"]
    return (
        report["library"]["videos"] >= videos
        and not workers["remaining"]
        and not workers["running"]
    )


@dataclass(frozen=True)
class Screen:
    """A watch page. Polled from here: with scripts off, the page itself cannot."""

    page: Page

    @property
    def state(self) -> dict[str, Any]:
        """The player's state."""
        state: dict[str, Any] = self.page.evaluate(STATE)
        return state

    def wait(self, condition: str) -> None:
        """Wait until this is true of `video`."""
        for _ in range(PATIENCE_MS // STEP_MS):
            if self.page.evaluate(
                f"() => {{ const video = document.getElementById('player'); return {condition}; }}"
            ):
                return
            self.page.wait_for_timeout(STEP_MS)
        raise AssertionError(f"never {condition}: {self.state}")

    def play(self, until: str = "video.currentTime > 0.2 && video.videoWidth > 0") -> None:
        """Press play, and wait until the film runs."""
        self.page.evaluate("() => { document.getElementById('player').play(); }")
        self.wait(until)

    def seek(self, at_s: float) -> None:
        """Stop, go to that second, and wait for its picture."""
        self.page.evaluate(SEEK, at_s)
        self.wait(f"!video.seeking && video.readyState >= 2 && video.currentTime > {at_s - 0.1}")
        self.page.wait_for_timeout(300)

    def picture(self) -> Image.Image:
        """The picture on the screen."""
        content = base64.b64decode(self.page.evaluate(SHOWN).partition(",")[2])
        with Image.open(io.BytesIO(content)) as image:
            return image.convert("RGB")


def clock(at_s: float) -> Image.Image:
    """A picture whose brightness tells its second: 24 more for each, below ten."""
    level = clock_level(at_s)
    return Image.new("RGB", (160, 96), (level, level, level))


def clock_level(at_s: float) -> int:
    """Brightness of `clock` at that second."""
    return 24 + 24 * int(at_s + 0.001)


def brightness(image: Image.Image) -> float:
    """Brightness of the middle of a picture."""
    pixel = image.convert("L").getpixel((image.width // 2, image.height // 2))
    assert isinstance(pixel, int | float)
    return float(pixel)
