"""Text tracks inside films, as WebVTT."""

from pathlib import Path

import pytest
from support.home import Home
from support.media import make_video
from support.text_subtitles import with_subtitles

from lvs.errors import NotFound
from lvs.services.playback.embedded_subtitles import embedded_webvtt
from lvs.services.playback.film_source import FilmSource

LINES = ((500, 1200, "Hello <i>there</i>"), (2000, 700, "<b>Bold & <script>x</script>"))


@pytest.fixture
def film(tmp_path: Path) -> Path:
    plain = make_video(tmp_path / "plain.mp4", seconds=3)
    return with_subtitles(plain, tmp_path / "film.mkv", LINES)


def test_a_text_track_becomes_webvtt_without_markup_of_its_own(film: Path) -> None:
    with film.open("rb", buffering=0) as file:
        text = embedded_webvtt(FilmSource(file), 0, lambda: None)
    assert text == (
        "WEBVTT\n\n"
        "00:00:00.500 --> 00:00:01.700\nHello <i>there</i>\n\n"
        "00:00:02.000 --> 00:00:02.700\n<b>Bold &amp; &lt;script&gt;x&lt;/script&gt;\n"
    )


def test_a_track_that_is_not_there_is_not_found(film: Path) -> None:
    with film.open("rb", buffering=0) as file, pytest.raises(NotFound):
        embedded_webvtt(FilmSource(file), 1, lambda: None)


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
