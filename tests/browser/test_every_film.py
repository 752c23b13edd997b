"""Films of every kind that the world makes, in a real Chromium: each plays with its sound, and a
jump to its middle shows the frame that is there.
"""

import csv
import os
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from support import loopback
from support.cinema import NEEDS_CHROMIUM, Cinema, cinema
from support.reference import difference, frames_around, grey
from support.shared_media import DURATIONS_S, MANIFEST, MEDIA

pytestmark = [
    NEEDS_CHROMIUM,
    pytest.mark.skipif(not MANIFEST.is_file(), reason="../shared is not beside the project"),
]
ROWS = (
    {
        row["file"]: row
        for row in csv.DictReader(MANIFEST.read_text("utf-8").splitlines(), delimiter="\t")
    }
    if MANIFEST.is_file()
    else {}
)
# Five of the six films of one frame are there for their number alone.
ALIKE = {f"tiny/frame-{number}.mp4" for number in range(2, 7)}
GOOD = {name: row for name, row in ROWS.items() if row["expected"] == "ok" and name not in ALIKE}
DAMAGED = "bad/garbage-middle.mp4"
FILMS = [name for name in GOOD if name != DAMAGED]
# One film of each codec and way to the browser is played, every other one without scripts, beside
# the project's own films in `test_playback.py`; where it is set, every film is played both ways.
EVERY_FILM = os.environ.get("LVS_EVERY_FILM") == "1"


def _kind(name: str) -> tuple[str, ...]:
    row = GOOD[name]
    return row["video_codec"], row["browser_playable"]


def _chosen() -> list[str]:
    return FILMS if EVERY_FILM else list({_kind(name): name for name in reversed(FILMS)}.values())


PLAYED = [
    pytest.param(name, scripts, id=f"{name}-{'with' if scripts else 'without'} JavaScript")
    for number, name in enumerate(_chosen())
    for scripts in (True, False)
    if EVERY_FILM or scripts == (number % 2 == 0)
]
LIKE = 0.12
AROUND_S = 0.12
WAYS = {
    "plays everywhere": "plays",
    "converted for most browsers": "convert",
    "cannot decode": "undecodable",
}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cinema]:
    folder = tmp_path_factory.mktemp("everything")
    with cinema(MEDIA, folder, len(GOOD) + len(ALIKE)) as running:
        yield running


def _duration_s(name: str) -> float:
    claimed = DURATIONS_S.get(name) or float(GOOD[name]["duration_s"])
    return 3.9 if name == "bad/truncated-half.mp4" else claimed


@pytest.mark.parametrize(("name", "scripts"), PLAYED)
def test_every_film_plays_and_shows_its_middle(
    everything: Cinema, name: str, scripts: bool
) -> None:
    row, length_s = GOOD[name], _duration_s(name)
    with everything.screen(java_script_enabled=scripts) as screen:
        screen.page.goto(f"/watch/{quote(name)}")
        begun = time.monotonic()
        screen.play(f"video.videoWidth > 0 && (video.currentTime > {min(0.2, length_s / 3)})")
        print(f"{name}: {time.monotonic() - begun:.2f} s to play")
        if row["audio_codec"] != "-":
            screen.wait("video.webkitAudioDecodedByteCount > 0")
        screen.seek(length_s / 2)
        state, shown = screen.state, grey(screen.picture())
        assert state["error"] == ""
        assert not state["trouble"]
        expected = frames_around(MEDIA / name, length_s / 2, AROUND_S)
        assert min(difference(shown, frame) for frame in expected) < LIKE


def test_a_film_that_is_damaged_in_the_middle_goes_on_behind_it(everything: Cinema) -> None:
    with everything.screen() as screen:
        screen.page.goto(f"/watch/{DAMAGED}")
        screen.play("video.currentTime > 0.2")
        screen.page.evaluate("() => { document.getElementById('player').currentTime = 2; }")
        screen.wait("video.currentTime > 3 && video.currentSrc.startsWith('blob:')")
        assert not screen.state["trouble"]


def test_gallery_filters_agree_with_the_watch_pages(everything: Cinema) -> None:
    listed = {
        video["path"]: state
        for state in WAYS.values()
        for video in loopback.get(
            f"{everything.address}/api/videos", params={"state": state, "limit": 100}
        ).json()["videos"]
    }
    said = {}
    for name in [*GOOD, *ALIKE]:
        page = loopback.get(f"{everything.address}/watch/{quote(name)}").text
        said[name] = next((state for words, state in WAYS.items() if words in page), "")
    assert listed == said
