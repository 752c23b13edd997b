"""Films of every kind in a real Chromium: they play, and a jump shows the picture that is there."""

import base64
import io
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright
from support.home import OLD_NS
from support.media import make_video
from support.processes import serving

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required"
)
PATIENCE_MS = 60_000
STEADY = 25
SECONDS = 8
# Name, options of the film, and the way it must go with scripts: the file itself or its segments.
FILMS: tuple[tuple[str, dict[str, str], str], ...] = (
    ("plain.mp4", {"video_codec": "libx264"}, "/video/"),
    ("open.webm", {"video_codec": "libvpx"}, "/video/"),
    ("other sound.mkv", {"video_codec": "libx264", "audio_codec": "ac3"}, "blob:"),
    ("broadcast.ts", {"video_codec": "mpeg2video", "audio_codec": "mp2"}, "blob:"),
    ("camera.ts", {"video_codec": "libx264", "audio_codec": "aac"}, "blob:"),
    ("old.avi", {"video_codec": "mpeg4", "audio_codec": "mp2"}, "blob:"),
    ("new.mp4", {"video_codec": "libx265", "audio_codec": "aac"}, "blob:"),
    ("older.mpg", {"video_codec": "mpeg1video", "audio_codec": "mp2"}, "blob:"),
    ("flash.flv", {"video_codec": "flv", "audio_codec": "aac"}, "blob:"),
)

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or sys.platform != "linux", reason="no Chromium on this machine"
)

STATE = """() => {
    const video = document.getElementById("player");
    return {
        at: video.currentTime, length: video.duration, width: video.videoWidth,
        ready: video.readyState, sound: video.webkitAudioDecodedByteCount,
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


def clock(at_s: float) -> Image.Image:
    """A picture whose brightness tells its second: 24 more for each."""
    level = 24 + 24 * int(at_s + 0.001)
    return Image.new("RGB", (160, 96), (level, level, level))


@dataclass(frozen=True)
class Cinema:
    """A server with a film of every kind, and a browser."""

    address: str
    library: Path
    browser: Browser


@pytest.fixture(scope="module")
def cinema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cinema]:
    folder = tmp_path_factory.mktemp("cinema")
    library = folder / "Videos"
    library.mkdir()
    for name, options, _ in FILMS:
        make_video(
            library / name,
            seconds=SECONDS,
            size=(160, 96),
            frames_per_second=STEADY,
            keyframe_every=STEADY,
            picture=clock,
            sound=True,
            **options,  # type: ignore[arg-type]
        )
        os.utime(library / name, ns=(OLD_NS, OLD_NS))
    with serving(library, folder) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        page = browser.new_page()
        page.goto(server.address)
        expect(page.locator("#sentence")).to_contain_text(
            f"{len(FILMS)} videos", timeout=PATIENCE_MS
        )
        page.wait_for_function(
            """async () => {
                const found = await (await fetch("/admin/performance.json")).json();
                return !found.workers.remaining && !found.workers.running.length;
            }""",
            timeout=PATIENCE_MS,
            polling=500,
        )
        page.close()
        yield Cinema(server.address, library, browser)
        browser.close()


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def page(request: pytest.FixtureRequest, cinema: Cinema) -> Iterator[Page]:
    context = cinema.browser.new_context(base_url=cinema.address, java_script_enabled=request.param)
    yield context.new_page()
    context.close()


def play(page: Page) -> dict[str, object]:
    """Press play, and wait until the film runs."""
    page.evaluate("() => { document.getElementById('player').play(); }")
    wait(page, "video.currentTime > 0.2 && video.videoWidth > 0")
    state: dict[str, object] = page.evaluate(STATE)
    return state


def wait(page: Page, condition: str) -> None:
    """Wait until this is true of the player.

    Polled from here: with scripts off, the page itself cannot.
    """
    for _ in range(PATIENCE_MS // 100):
        if page.evaluate(
            f"() => {{ const video = document.getElementById('player'); return {condition}; }}"
        ):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never {condition}: {page.evaluate(STATE)}")


def shown(page: Page) -> float:
    """Brightness of the middle of the picture on the screen."""
    picture = page.evaluate(SHOWN).partition(",")[2]
    with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
        pixel = image.convert("L").getpixel((image.width // 2, image.height // 2))
    assert isinstance(pixel, int | float)
    return float(pixel)


@pytest.mark.parametrize(("name", "way"), [(name, way) for name, _, way in FILMS])
def test_a_film_plays_with_sound_and_shows_the_right_picture_after_a_jump(
    page: Page, name: str, way: str
) -> None:
    page.goto(f"/watch/{quote(name)}")
    state = play(page)
    scripted = page.evaluate(
        "() => Boolean(document.documentElement.dataset.theme) && 'Hls' in window"
    )
    if scripted or way == "/video/":
        assert way in str(state["source"])
    assert state["error"] == ""
    assert not state["trouble"]
    assert state["length"] == pytest.approx(SECONDS, abs=0.4)
    wait(page, "video.webkitAudioDecodedByteCount > 0")
    page.evaluate(
        "() => { const v = document.getElementById('player'); v.pause(); v.currentTime = 5.6; }"
    )
    wait(page, "!video.seeking && video.readyState >= 2 && video.currentTime > 5.5")
    page.wait_for_timeout(300)
    assert shown(page) == pytest.approx(24 + 24 * 5, abs=10)


def test_a_film_that_breaks_in_the_middle_goes_on_converted(cinema: Cinema) -> None:
    path = cinema.library / "plain.mp4"
    context = cinema.browser.new_context(base_url=cinema.address)
    page = context.new_page()
    page.goto(f"/watch/{path.name}")
    play(page)
    page.evaluate(
        """() => {
            const video = document.getElementById("player");
            Object.defineProperty(video, "error", { value: { code: 3 }, configurable: true });
            video.dispatchEvent(new Event("error"));
            delete video.error;
        }"""
    )
    wait(page, "video.currentSrc.startsWith('blob:') && video.currentTime > 0.2")
    assert not page.evaluate(STATE)["trouble"]
    context.close()


def test_nothing_is_asked_for_before_somebody_presses_play(cinema: Cinema) -> None:
    context = cinema.browser.new_context(base_url=cinema.address)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/watch/old.avi")
    page.wait_for_timeout(1000)
    assert not [address for address in asked if "/hls/" in address]
    context.close()
