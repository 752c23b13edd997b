"""Files that lie and clients that ask for too much: a sentence or a 4xx, and the server answers."""

import asyncio
import re
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.home import Home
from support.media import make_video

PLAYLIST = (
    b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:1/x.ts\n#EXT-X-ENDLIST\n"
)
NO_FILMS = {
    "playlist.mp4": PLAYLIST,
    "concat.mkv": b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    "session.mov": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\n",
    "noise.avi": bytes(range(256)) * 40,
    "boxes.mp4": struct.pack(">I4s", 1, b"moov") + b"\xff" * 8 + b"moov" * 2000,
}
HOURS = 10 * 3600
LIARS = ("ages.mp4", "hours.mp4", "nan.mkv", "huge.mkv", "minus.mkv", "cut.avi", "garbage.avi")
TAILS = (
    "master.m3u8?audio=99&quality=99999&burn=99&play=nonsense",
    "master.m3u8?audio=%00&burn=-1",
    "h264-720t-a0-s7/index.m3u8",
    "h264-720-a0-s0/0.m4s",
    "h264-720-a99/init.mp4",
    "h264-720-a0/999999.m4s",
    "h264-720-a0/%2e%2e%2f%2e%2e/init.mp4",
)


def with_lying_header(film: bytes, ticks: int) -> bytes:
    """An MP4 whose movie, tracks and media all claim to last so long (ISO/IEC 14496-12)."""
    for box, at in ((b"mvhd", 20), (b"mdhd", 20), (b"tkhd", 24)):
        found = film.find(box)
        while found >= 0:
            place = found + at
            film = film[:place] + struct.pack(">I", ticks) + film[place + 4 :]
            found = film.find(box, place)
    return film


def with_lying_matroska(film: bytes, duration: float) -> bytes:
    """A Matroska file that claims to last so long (element 0x4489)."""
    at = film.index(b"\x44\x89\x88") + 3
    return film[:at] + struct.pack(">d", duration) + film[at + 8 :]


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    each = Home(tmp_path, watch="off")
    mp4 = make_video(tmp_path / "a.mp4", seconds=2, size=(96, 64), sound=True).read_bytes()
    mkv = make_video(tmp_path / "a.mkv", seconds=2, size=(96, 64), sound=True).read_bytes()
    avi = make_video(tmp_path / "a.avi", seconds=3, size=(96, 64), sound=True).read_bytes()
    each.add("ages.mp4", with_lying_header(mp4, 2**32 - 2))
    each.add("hours.mp4", with_lying_header(mp4, HOURS * 1000))
    for name, claimed in (("nan", float("nan")), ("huge", 2.0**62), ("minus", -5.0)):
        each.add(f"{name}.mkv", with_lying_matroska(mkv, claimed))
    each.add("cut.avi", avi[: len(avi) * 2 // 3])
    each.add("garbage.avi", avi[:6000] + b"\xa5" * 3000 + avi[9000:])
    each.add("good.avi", avi)
    for name, content in NO_FILMS.items():
        each.add(name, content)
    many = make_video(tmp_path / "m.mkv", seconds=0.2, size=(96, 64), sound_languages=["en"] * 120)
    each.add("tracks.mkv", many.read_bytes())
    async with each:
        await each.looked()
        yield each


async def status_of(home: Home, address: str) -> tuple[int, bytes]:
    answer = await home.client.get(address)
    return answer.status_code, await answer.get_data(as_text=False)


async def test_what_is_no_film_has_no_player_and_no_segments(home: Home) -> None:
    for name in NO_FILMS:
        status, page = await status_of(home, f"/watch/{name}")
        assert status in (200, 404)
        assert b"<video" not in page
        video = await home.video(name)
        assert (await status_of(home, home.services.playback.address(video)))[0] == 404


async def test_a_film_of_more_tracks_than_any_has_is_a_sentence(home: Home) -> None:
    status, page = await status_of(home, "/watch/tracks.mkv")
    assert (status, b"<video" in page) == (200, False)
    video = await home.video("tracks.mkv")
    assert video.reason
    assert (await status_of(home, home.services.playback.address(video)))[0] == 404


async def test_a_header_that_lies_makes_no_endless_playlist(home: Home) -> None:
    for name in LIARS:
        await _is_bounded(home, name)


async def _is_bounded(home: Home, name: str) -> None:
    video = await home.video(name)
    master = home.services.playback.address(video)
    status, content = await status_of(home, master + "?play=converted")
    assert status == 200, content
    variant = content.decode().splitlines()[-1]
    folder = f"{master.rpartition('/')[0]}/{variant.rpartition('/')[0]}"
    _, listed = await status_of(home, f"{folder}/index.m3u8")
    lengths = [float(each) for each in re.findall(r"#EXTINF:([\d.]+)", listed.decode())]
    assert sum(lengths) < HOURS + 60
    last = len(lengths) - 1
    for number in (0, last // 2, last):
        status, content = await status_of(home, f"{folder}/{number}.m4s")
        assert status == 200
        assert len(content) < 4 << 20


async def test_odd_addresses_are_answered_or_not_found(home: Home) -> None:
    master = home.services.playback.address(await home.video("good.avi"))
    for tail in TAILS:
        status, content = await status_of(home, f"{master.rpartition('/')[0]}/{tail}")
        assert status in (200, 404), tail
        if status == 200:
            assert content.startswith(b"#EXTM3U")
    hash_ = master.split("/")[2]
    for track in ("inside-0", "inside-99", "inside-999", "inside--1"):
        assert (await status_of(home, f"/subtitles/{hash_}/{track}.vtt"))[0] == 404


async def test_two_hundred_requests_at_once_leave_the_server_answering(home: Home) -> None:
    master = home.services.playback.address(await home.video("good.avi"))
    folder = f"{master.rpartition('/')[0]}/h264-360-a0"
    asked = [
        asyncio.create_task(status_of(home, f"{folder}/{number % 2}.m4s")) for number in range(200)
    ]
    pings = [await status_of(home, "/ping") for _ in range(20)]
    assert {status for status, _ in pings} == {200}
    answers = [status for status, _ in await asyncio.gather(*asked)]
    assert set(answers) <= {200, 429}
    assert answers.count(200) >= 2
    assert home.services.playback.pool.made <= 2
