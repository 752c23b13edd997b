"""Films of a dozen kinds in Debian's Firefox, most of them in segments, through hls.js."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

import pytest
from support.cinema import Screen, brightness, clock, clock_level, is_settled, report_of
from support.firefox import NEEDS_FIREFOX, firefox
from support.home import OLD_NS
from support.media import make_video
from support.processes import serving, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = NEEDS_FIREFOX
STEADY = 25
SECONDS = 4
MIDDLE_S = 2.6
# Films that no Firefox plays as they are, and then three that it may choose to.
SEGMENTED: dict[str, dict[str, str]] = {
    "old.avi": {"video_codec": "mpeg4", "audio_codec": "mp2"},
    "newer.avi": {"video_codec": "libx264", "audio_codec": "libmp3lame"},
    "broadcast.ts": {"video_codec": "mpeg2video", "audio_codec": "mp2"},
    "camera.ts": {"video_codec": "libx264", "audio_codec": "aac"},
    "older.mpg": {"video_codec": "mpeg1video", "audio_codec": "mp2"},
    "flash.flv": {"video_codec": "flv", "audio_codec": "aac"},
    "windows.wmv": {"video_codec": "wmv2", "audio_codec": "ac3"},
    "theatre.mkv": {"video_codec": "libx264", "audio_codec": "ac3"},
    "ten bit.mkv": {"video_codec": "libx264", "audio_codec": "ac3", "pixel_format": "yuv420p10le"},
    "photo camera.mov": {"video_codec": "mjpeg", "audio_codec": "pcm_s16le"},
    "part two.mp4": {"video_codec": "mpeg4", "audio_codec": "aac"},
}
CHOSEN: dict[str, dict[str, str]] = {
    "plain.mp4": {"video_codec": "libx264", "audio_codec": "aac"},
    "open.webm": {"video_codec": "libvpx", "audio_codec": "libopus"},
    "new.mp4": {"video_codec": "libx265", "audio_codec": "aac"},
}
FILMS = SEGMENTED | CHOSEN


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    folder = tmp_path_factory.mktemp("firefox")
    library = folder / "Videos"
    library.mkdir()
    for name, options in FILMS.items():
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
    with serving(library, folder) as server:
        until(lambda: is_settled(report_of(server), len(FILMS)))
        with firefox(folder, server.address) as tab:
            yield Screen(cast("Page", tab))


@pytest.mark.parametrize("name", FILMS)
def test_a_film_plays_with_sound_and_shows_the_right_picture_after_a_jump(
    screen: Screen, name: str
) -> None:
    screen.page.goto(f"/watch/{quote(name)}")
    screen.play()
    state = screen.state
    if name in SEGMENTED:
        assert str(state["source"]).startswith("blob:")
    assert state["error"] == ""
    assert not state["trouble"]
    assert state["sound"]
    assert state["length"] == pytest.approx(SECONDS, abs=0.4)
    screen.seek(MIDDLE_S)
    assert brightness(screen.picture()) == pytest.approx(clock_level(MIDDLE_S), abs=10)
