"""Films in segments and their subtitles are behind the same doors as the files: the name of the
host, the password, the limits of a person, and what one device may ask for at a time.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.home import Home
from support.media import make_video
from support.text_subtitles import with_subtitles
from support.wire import Wire

from lvs.models import Limits
from lvs.routes.hooks import auth
from lvs.services.household.people import NewPerson

PASSWORD = "correct horse"
LINE = (100, 500, "words")


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    each = Home(tmp_path, password=PASSWORD, streams_per_client=1)
    plain = make_video(tmp_path / "plain.mp4", seconds=2)
    film = await asyncio.to_thread(with_subtitles, plain, tmp_path / "film.mkv", [LINE])
    each.add("film.mkv", film.read_bytes())
    each.add("film.de.srt", b"1\n00:00:00,000 --> 00:00:01,000\nwords\n")
    async with each:
        await each.probed()
        yield each


async def addresses(home: Home) -> tuple[list[str], list[str]]:
    """The addresses of the film in segments, and those of its subtitles beside it and inside."""
    video = await home.video("film.mkv")
    master = home.services.playback.address(video)
    variant = f"{master.rpartition('/')[0]}/h264-360-a0"
    [beside] = await home.services.subtitles.of_video(video)
    return (
        [master, *(f"{variant}/{piece}" for piece in ("index.m3u8", "init.mp4", "0.m4s"))],
        [f"/subtitles/{video.media_hash}/{key}.vtt" for key in (beside.key, "inside-0")],
    )


def signed_in(home: Home) -> str:
    return f"Cookie: {auth.COOKIE}={home.services.passwords.new_session()}"


async def test_neither_a_strangers_host_nor_one_without_the_password_gets_any(home: Home) -> None:
    segments, subtitles = await addresses(home)
    async with Wire(home.app) as wire:
        for address in (*segments, *subtitles, "/video/film.mkv"):
            for method in ("GET", "HEAD"):
                answer = await wire.ask(address, method=method)
                assert answer.status == 401, address
                assert answer.headers["www-authenticate"].startswith("Bearer")
                answer = await wire.ask(address, ["Cookie: lvs_session=1.2.3"], method)
                assert answer.status == 401, address
                answer = await wire.ask(address, [signed_in(home)], method, host="evil.example.com")
                assert answer.status == 421, address
                assert b"words" not in answer.body
                assert (await wire.ask(address, [signed_in(home)], method)).status == 200, address


async def test_a_person_who_may_not_see_the_film_gets_none_of_it(home: Home) -> None:
    media_hash = (await home.video("film.mkv")).media_hash
    await home.services.people.create(NewPerson("Kid", limits=Limits(tags=("kids",))))
    segments, subtitles = await addresses(home)
    async with Wire(home.app) as wire:
        kid = [signed_in(home), "LVS-Person: Kid"]
        for address in (*segments, *subtitles, "/video/film.mkv"):
            assert (await wire.ask(address, kid)).status == 404, address
            assert (await wire.ask(address, [signed_in(home)])).status == 200, address
        await home.services.tags.add(media_hash, "kids", "test")
        for address in (*segments, *subtitles, "/video/film.mkv"):
            assert (await wire.ask(address, kid)).status == 200, address


async def test_one_device_asks_for_only_so_much_at_a_time(home: Home) -> None:
    segments, subtitles = await addresses(home)
    playback = home.services.playback
    async with Wire(home.app) as wire:
        for bound, full, others in (
            (playback._pieces, segments, subtitles),
            (playback.subtitle_room, subtitles, segments),
        ):
            with bound.one_more("127.0.0.1"), bound.one_more("10.0.0.2"):
                for address in full:
                    answer = await wire.ask(address, [signed_in(home)])
                    assert answer.status == 429, address
                    assert int(answer.headers["retry-after"]) > 0
                for address in (*others, "/", "/video/film.mkv"):
                    assert (await wire.ask(address, [signed_in(home)])).status == 200, address
            for address in full:
                assert (await wire.ask(address, [signed_in(home)])).status == 200, address
