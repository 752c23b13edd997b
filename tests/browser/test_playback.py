"""Films of every kind in a real Chromium: they play, and a jump shows the picture that is there."""

import os
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from PIL import Image
from support.cinema import NEEDS_CHROMIUM, Cinema, Screen, cinema
from support.home import OLD_NS
from support.media import make_video

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

pytestmark = NEEDS_CHROMIUM


def clock(at_s: float) -> Image.Image:
    """A picture whose brightness tells its second: 24 more for each."""
    level = 24 + 24 * int(at_s + 0.001)
    return Image.new("RGB", (160, 96), (level, level, level))


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cinema]:
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
    with cinema(library, folder, len(FILMS)) as running:
        yield running


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def screen(request: pytest.FixtureRequest, films: Cinema) -> Iterator[Screen]:
    with films.screen(java_script_enabled=request.param) as each:
        yield each


def brightness(image: Image.Image) -> float:
    """Brightness of the middle of a picture."""
    pixel = image.convert("L").getpixel((image.width // 2, image.height // 2))
    assert isinstance(pixel, int | float)
    return float(pixel)


@pytest.mark.parametrize(("name", "way"), [(name, way) for name, _, way in FILMS])
def test_a_film_plays_with_sound_and_shows_the_right_picture_after_a_jump(
    screen: Screen, name: str, way: str
) -> None:
    screen.page.goto(f"/watch/{quote(name)}")
    screen.play()
    state = screen.state
    scripted = screen.page.evaluate(
        "() => Boolean(document.documentElement.dataset.theme) && 'Hls' in window"
    )
    if scripted or way == "/video/":
        assert way in str(state["source"])
    assert state["error"] == ""
    assert not state["trouble"]
    assert state["length"] == pytest.approx(SECONDS, abs=0.4)
    screen.wait("video.webkitAudioDecodedByteCount > 0")
    screen.seek(5.6)
    assert brightness(screen.picture()) == pytest.approx(24 + 24 * 5, abs=10)


def test_a_film_that_breaks_in_the_middle_goes_on_converted(films: Cinema) -> None:
    with films.screen() as screen:
        screen.page.goto("/watch/plain.mp4")
        screen.play()
        screen.page.evaluate(
            """() => {
                const video = document.getElementById("player");
                Object.defineProperty(video, "error", { value: { code: 3 }, configurable: true });
                video.dispatchEvent(new Event("error"));
                delete video.error;
            }"""
        )
        screen.wait("video.currentSrc.startsWith('blob:') && video.currentTime > 0.2")
        assert not screen.state["trouble"]


def test_nothing_is_asked_for_before_somebody_presses_play(films: Cinema) -> None:
    with films.screen() as screen:
        asked: list[str] = []
        screen.page.on("request", lambda request: asked.append(request.url))
        screen.page.goto("/watch/old.avi")
        screen.page.wait_for_timeout(1000)
        assert not [address for address in asked if "/hls/" in address]
