"""Text tracks inside films, as WebVTT."""

import asyncio
import re
from pathlib import Path

import pytest
from av.stream import Disposition
from support.home import Home
from support.media import make_video
from support.text_subtitles import with_subtitles

from lvs.errors import NotFound
from lvs.services.playback.embedded_subtitles import _text, embedded_webvtt
from lvs.services.playback.video_source import VideoSource

LINES = ((500, 1200, "Hello <i>there</i>"), (2000, 700, "<b>Bold & <script>x</script>"))


@pytest.fixture
def film(tmp_path: Path) -> Path:
    plain = make_video(tmp_path / "plain.mp4", seconds=3)
    return with_subtitles(plain, tmp_path / "film.mkv", LINES)


def test_a_text_track_becomes_webvtt_without_markup_of_its_own(film: Path) -> None:
    with film.open("rb", buffering=0) as file:
        text = embedded_webvtt(VideoSource(file), 0, lambda: None)
    assert text == (
        "WEBVTT\n\n"
        "00:00:00.500 --> 00:00:01.700\nHello <i>there</i>\n\n"
        "00:00:02.000 --> 00:00:02.700\n<b>Bold &amp; &lt;script&gt;x&lt;/script&gt;\n"
    )


def test_marks_of_webvtt_that_browsers_read_are_not_shown_as_text(tmp_path: Path) -> None:
    plain = make_video(tmp_path / "plain.mp4", seconds=3)
    line = (500, 900, "<v.loud Ann>Salt <00:00:00.700>&amp; <c.red>pepper</c> &lt;3</v>")
    path = with_subtitles(plain, tmp_path / "voices.mkv", [line], codec="webvtt")
    with path.open("rb", buffering=0) as file:
        text = embedded_webvtt(VideoSource(file), 0, lambda: None)
    assert text.splitlines()[-1] == "Salt &amp; pepper &lt;3"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-be", "utf-16-le"])
def test_timed_text_of_phones_is_read_in_its_encoding(encoding: str) -> None:
    words = ("" if encoding == "utf-8" else "\ufeff") + "Grüße 你好"
    content = words.encode(encoding)
    packet = len(content).to_bytes(2, "big") + content + b"\0\0\0\x0cstyl\0\0\0\0"
    assert _text(packet, "mov_text") == "Grüße 你好"


async def test_tracks_of_one_language_can_be_told_apart(tmp_path: Path) -> None:
    plain = make_video(tmp_path / "plain.mp4", seconds=1)
    marks = (Disposition.forced, Disposition.hearing_impaired, Disposition(0))
    film = await asyncio.to_thread(
        with_subtitles, plain, tmp_path / "film.mkv", LINES[:1], marks=marks
    )
    home = Home(tmp_path / "home")
    home.add("film.mkv", film.read_bytes())
    home.add("film.de.srt", b"1\n00:00:00,000 --> 00:00:01,000\nwords\n")
    async with home:
        await home.probed()
        page = await (await home.client.get("/watch/film.mkv")).get_data(as_text=True)
    assert re.findall(r'<track [^>]*label="([^"]*)"', page) == [
        "German",
        "German 2",
        "German (forced)",
        "German (for the hard of hearing)",
        "German 3",
    ]


def test_a_track_that_is_not_there_is_not_found(film: Path) -> None:
    with film.open("rb", buffering=0) as file, pytest.raises(NotFound):
        embedded_webvtt(VideoSource(file), 1, lambda: None)


async def test_the_player_offers_the_track_and_gets_it(tmp_path: Path, film: Path) -> None:
    home = Home(tmp_path / "home")
    home.add("film.mkv", film.read_bytes())  # noqa: ASYNC240
    async with home:
        await home.probed()
        video = await home.video("film.mkv")
        address = f"/subtitles/{video.media_hash}/inside-0.vtt"
        page = await (await home.client.get("/watch/film.mkv")).get_data(as_text=True)
        assert f'<track kind="subtitles" src="{address}" label="German" srclang="de">' in page
        answer = await home.client.get(address)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/vtt; charset=utf-8"
        assert "Hello <i>there</i>" in await answer.get_data(as_text=True)
        tag = {"If-None-Match": answer.headers["ETag"]}
        assert (await home.client.get(address, headers=tag)).status_code == 304
        missing = await home.client.get(address.replace("inside-0", "inside-9"))
        assert missing.status_code == 404
