"""Films of every kind in a real Chromium: they play, and a jump shows the picture that is there."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from support.cinema import (
    NEEDS_CHROMIUM,
    PATIENCE_MS,
    Cinema,
    Screen,
    brightness,
    cinema,
    clock,
    clock_level,
)
from support.home import OLD_NS
from support.media import make_video, plain

STEADY = 25
SECONDS = 8
CHANGED, LONG_S, FAR_S = "changed.avi", 60, 40
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
    make_long(library / CHANGED, 200)
    with cinema(library, folder, len(FILMS) + 1) as running:
        yield running


def make_long(path: Path, level: int) -> None:
    """A film of one brightness that is longer than what a player has in hand."""
    make_video(
        path,
        seconds=LONG_S,
        size=(160, 96),
        frames_per_second=5,
        picture=plain(160, 96, (level, level, level)),
        video_codec="mpeg4",
    )
    os.utime(path, ns=(OLD_NS, OLD_NS + level))


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def screen(request: pytest.FixtureRequest, films: Cinema) -> Iterator[Screen]:
    with films.screen(java_script_enabled=request.param) as each:
        yield each


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
    assert brightness(screen.picture()) == pytest.approx(clock_level(5.6), abs=10)


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


def test_a_film_is_opened_with_its_page_and_no_piece_is_made_before_play(films: Cinema) -> None:
    with films.screen() as screen:
        asked: list[str] = []
        screen.page.on("request", lambda request: asked.append(request.url))
        screen.page.goto("/watch/old.avi")
        screen.page.wait_for_timeout(1000)
        names = [address.rpartition("/")[2] for address in asked if "/hls/" in address]
        assert [name.partition("?")[0] for name in names] == ["master.m3u8"]


def test_a_film_that_changes_while_it_plays_goes_on_as_it_is_now(films: Cinema) -> None:
    with films.screen() as screen:
        screen.page.goto(f"/watch/{CHANGED}")
        screen.play()
        assert brightness(screen.picture()) == pytest.approx(200, abs=10)
        make_long(films.library / CHANGED, 60)
        screen.page.evaluate(
            "(at) => { document.getElementById('player').currentTime = at; }", FAR_S
        )
        screen.page.wait_for_url(f"**start={FAR_S}*", timeout=PATIENCE_MS)
        screen.play(f"video.currentTime > {FAR_S} && video.videoWidth > 0")
        assert brightness(screen.picture()) == pytest.approx(60, abs=10)
        assert not screen.state["trouble"]
