"""The README's moving picture: a rating by tap, and a step into a film with an emulated headset.
And two of its moments for docs/headset.md: the page of such a film, and the panel inside.

`python docs/screenshots/moving.py` draws a few films (`library.py`), serves them, plays the scene
in Chromium and writes `moving.webp` beside this file. The headset is the emulator of the tests.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, sync_playwright

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "tests")]

from library import FILMS, make
from scenes import scene
from support.chromium import CHROMIUM
from support.headset import FLAGS, Headset
from support.processes import serving, until

SIZE = {"width": 760, "height": 500}
WANTED = ("Dolomites", "Tromso", "Cappadocia", "Sailing")
VR_FILM = "Ridge above the clouds_180_LR.mp4"
EYE = 1024  # pixels of an eye's half sphere
MOST_BYTES = 2_000_000
STEP_MS, PAUSE_MS = 90, 1100


class Reel:
    """Frames with their times; a fingertip is drawn where one taps."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._frames: list[Image.Image] = []
        self._times: list[int] = []
        self._finger = (SIZE["width"] * 0.8, SIZE["height"] * 0.95)

    def shoot(self, milliseconds: int, finger: float = 0.0) -> None:
        """Take a frame; `finger` is how firmly the fingertip presses, 0 for none."""
        image = Image.open(BytesIO(self._page.screenshot())).convert("RGB")
        if finger:
            x, y = self._finger
            radius = 17 - 5 * finger
            over = Image.new("L", image.size)
            box = (x - radius, y - radius, x + radius, y + radius)
            ImageDraw.Draw(over).ellipse(box, fill=round(90 + 90 * finger))
            image.paste((255, 255, 255), mask=over)
            ImageDraw.Draw(image).ellipse(box, outline=(30, 30, 40), width=2)
        self._frames.append(image)
        self._times.append(milliseconds)

    def tap(self, target: Locator) -> None:
        """Lead the fingertip to an element and tap it."""
        target.scroll_into_view_if_needed()
        box = target.bounding_box()
        assert box
        end = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        start = self._finger
        for step in (0.35, 0.65, 0.85, 1.0):
            self._finger = (
                start[0] + (end[0] - start[0]) * step,
                start[1] + (end[1] - start[1]) * step,
            )
            self.shoot(STEP_MS, 0.3)
        self.shoot(STEP_MS * 2, 1.0)
        self._page.touchscreen.tap(*end)
        self._page.wait_for_timeout(600)

    def write(self, path: Path) -> int:
        """Write an animated WebP, smaller where it would be too large. Its size in bytes."""
        first, *others = self._frames
        for quality in (72, 60, 45, 30):
            first.save(
                path, "WEBP", save_all=True, append_images=others, duration=self._times, loop=0,
                quality=quality, method=6,
            )  # fmt: skip
            if path.stat().st_size <= MOST_BYTES:
                break
        return path.stat().st_size


def make_vr_film(path: Path) -> None:
    """Write five minutes of a drawn ridge around the viewer, the same for both eyes."""
    eye = scene("mountains", 5, EYE, EYE, "dusk")
    both = Image.new("RGB", (2 * EYE, EYE))
    both.paste(eye, (0, 0))
    both.paste(eye, (EYE, 0))
    picture = BytesIO()
    both.save(picture, "BMP")
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-f", "image2pipe", "-c:v", "bmp", "-i", "-", "-vf",
         "loop=299:1,setpts=N/TB,fps=1", "-c:v", "libx264", "-crf", "16", "-g", "1",
         "-pix_fmt", "yuv420p", path],
        input=picture.getvalue(), check=True,
    )  # fmt: skip


def rated_by_tap(reel: Reel, page: Page) -> None:
    """The gallery, four stars, and a heart."""
    page.goto("/")
    page.wait_for_timeout(800)
    reel.shoot(PAUSE_MS)
    card = page.locator(".video-card").nth(1)
    reel.tap(card.locator("button[value='4']").first)
    reel.shoot(PAUSE_MS)


def entered(reel: Reel, page: Page, headset: Headset, address: str) -> None:
    """The watch page, the film around one, its stars given inside."""
    page.goto(address)
    page.wait_for_timeout(800)
    reel.shoot(PAUSE_MS)
    still(page, "vr-page.jpg")
    button = page.locator("#vr-enter")
    reel.tap(button)
    headset.wait(lambda state: state is not None and state["ready"])
    headset.frames(4)
    for yaw in (0, 8, 16, 22, 16, 6, -6, -14, -8, 0):
        headset.turn_head(yaw, 2)
        reel.shoot(STEP_MS * 2)
    headset.show_panel() if not headset.state["shown"] else headset.hold()
    headset.frames(4)
    reel.shoot(PAUSE_MS)
    headset.aim("rate", 5)
    reel.shoot(STEP_MS * 4)
    headset.pull()
    headset.wait(lambda state: state["stars"] == 5)
    headset.frames(4)
    reel.shoot(2 * PAUSE_MS)
    still(page, "vr-panel.jpg")


def still(page: Page, name: str) -> None:
    """Write what the page shows now, beside this file."""
    page.screenshot(path=HERE / name, type="jpeg", quality=82)


def addresses(base: str) -> Iterator[tuple[str, str]]:
    """Paths of the films with the addresses of their pages."""
    for video in httpx.get(f"{base}/api/videos", params={"limit": 200}).json()["videos"]:
        yield video["path"], video["url"]


def main() -> None:
    """Make the picture."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "Videos"
        library.mkdir()
        for number, film in enumerate(FILMS):
            if any(word in film.path for word in WANTED):
                make(library, film, number)
        make_vr_film(library / VR_FILM)
        with serving(library, Path(folder)) as server, sync_playwright() as playwright:

            def probed() -> bool:
                found = httpx.get(f"{server.address}/api/videos", params={"limit": 200}).json()
                return bool(found["videos"]) and all(
                    video["state"] != "new" for video in found["videos"]
                )

            until(probed)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
            context = browser.new_context(
                base_url=server.address, viewport=SIZE, has_touch=True, color_scheme="dark"
            )
            page = context.new_page()
            headset = Headset(page)
            reel = Reel(page)
            rated_by_tap(reel, page)
            entered(reel, page, headset, dict(addresses(server.address))[VR_FILM])
            size_bytes = reel.write(HERE / "moving.webp")
            print(f"moving.webp: {size_bytes:,} bytes")
            browser.close()


if __name__ == "__main__":
    main()
