"""Size and delay of subtitles, at once, in a real Chromium: what is on the screen."""

import io
import os
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from support import loopback
from support.cinema import NEEDS_CHROMIUM, Cinema, Screen, cinema
from support.home import OLD_NS
from support.media import make_video, plain

SECONDS = 6
SUBTITLES = "1\n00:00:01,000 --> 00:00:02,500\nHowl\n"
SHOW = """() => {
    const video = document.getElementById("player");
    video.controls = false;
    video.textTracks[0].mode = "showing";
}"""
CUES = """() => [...document.getElementById("player").textTracks[0].cues ?? []]
    .map(({ startTime, endTime }) => [startTime, endTime])"""

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cinema]:
    folder = tmp_path_factory.mktemp("cinema")
    library = folder / "Videos"
    library.mkdir()
    film = make_video(
        library / "wolf.mp4", seconds=SECONDS, size=(160, 90), picture=plain(160, 90, (0, 0, 0))
    )
    (library / "wolf.en.srt").write_text(SUBTITLES)
    for path in (film, library / "wolf.en.srt"):
        os.utime(path, ns=(OLD_NS, OLD_NS))
    with cinema(library, folder, 1) as running:
        yield running


@pytest.fixture
def screen(films: Cinema) -> Iterator[Screen]:
    with films.screen(color_scheme="dark") as each:  # no light corners around the picture
        yield each


def open_film(screen: Screen, query: str = "") -> None:
    """Open the film's page with its subtitles on, and the form for them unfolded."""
    page = screen.page
    page.goto(f"/watch/wolf.mp4{query}")
    page.locator("#playback > summary").click()
    page.evaluate(SHOW)
    expect_cues(screen)


def expect_cues(screen: Screen) -> None:
    """Wait until the subtitles are there."""
    screen.wait("video.textTracks[0].cues?.length === 1")


def cue(page: Page) -> tuple[float, float]:
    """Begin and end of the only subtitle, in seconds."""
    [found] = page.evaluate(CUES)
    return found[0], found[1]


def height(screen: Screen, at_s: float) -> int:
    """Rows of the film's picture at this second in which there is white: the letters' height."""
    screen.seek(at_s)
    shot = Image.open(io.BytesIO(screen.page.locator("#player").screenshot())).convert("L")
    box = shot.point(lambda level: 255 if level > 150 else 0).getbbox()
    return box[3] - box[1] if box else 0


def test_subtitles_come_later_and_earlier_at_once(screen: Screen) -> None:
    open_film(screen)
    delay = screen.page.get_by_label("Subtitles later by, in seconds")
    assert height(screen, 1.5) > 0
    delay.fill("1.5")
    assert cue(screen.page) == (2.5, 4)
    assert height(screen, 1.5) == 0
    assert height(screen, 3.5) > 0
    delay.fill("-0.5")  # from where it was at first, not from where it is
    assert cue(screen.page) == (0.5, 2)
    delay.fill("")
    assert cue(screen.page) == (1, 2.5)


def test_subtitles_moved_by_the_server_are_not_moved_again(screen: Screen) -> None:
    open_film(screen, "?delay=2")
    assert cue(screen.page) == (3, 4.5)
    screen.page.get_by_label("Subtitles later by, in seconds").fill("2.5")
    assert cue(screen.page) == (3.5, 5)
    screen.page.locator(".playback-choice").get_by_role("button", name="Use", exact=True).click()
    screen.page.wait_for_url("**delay=2.5*")
    screen.page.evaluate(SHOW)
    expect_cues(screen)
    assert cue(screen.page) == (3.5, 5)


def test_subtitles_that_are_switched_on_later_are_moved_too(screen: Screen, films: Cinema) -> None:
    page = screen.page
    chosen = {"subtitles": "off"}  # what the household chose last is on from the beginning
    loopback.post(f"{films.address}/languages", data=chosen, headers={"Origin": films.address})
    page.goto("/watch/wolf.mp4")
    page.locator("#playback > summary").click()
    page.get_by_label("Subtitles later by, in seconds").fill("1")
    assert page.evaluate(CUES) == []
    page.evaluate(SHOW)
    expect_cues(screen)
    screen.wait("video.textTracks[0].cues[0].startTime === 2")


def test_subtitles_grow_at_once_and_stay_so_on_this_device(screen: Screen, films: Cinema) -> None:
    open_film(screen)
    size = screen.page.get_by_label("Size of subtitles")
    usual = height(screen, 1.5)
    size.select_option("large")
    assert 1.3 < height(screen, 1.5) / usual < 1.7
    size.select_option("small")
    assert 0.6 < height(screen, 1.5) / usual < 0.9
    size.select_option("huge")
    open_film(screen)  # the address says nothing of it
    expect(screen.page.get_by_label("Size of subtitles")).to_have_value("huge")
    assert 1.7 < height(screen, 1.5) / usual < 2.3
    open_film(screen, "?cues=small")  # an address goes before what was kept
    assert 0.6 < height(screen, 1.5) / usual < 0.9
    with films.screen() as other:  # another device
        open_film(other)
        expect(other.page.get_by_label("Size of subtitles")).to_have_value("")
