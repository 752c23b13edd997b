"""Files that lie and clients that ask for too much: a sentence or a 4xx, and the server answers."""

import asyncio
import os
import re
import signal
import struct
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from support.home import OLD_NS, Home
from support.media import make_video

from lvs.services.media.containers import MAX_STREAMS
from lvs.services.playback.planner import MAX_SEGMENTS

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
ENDLESS_BYTES = 1 << 40
TRACKS = 2000
LIARS = ("ages.mp4", "hours.mp4", "nan.mkv", "huge.mkv", "minus.mkv", "cut.avi", "garbage.avi")
TAILS = (
    "master.m3u8?audio=99&quality=99999&burn=99&play=nonsense",
    "master.m3u8?audio=%00&burn=-1",
    "h264-720t-a0-s7/index.m3u8",
    "h264-720-a0-s0/0.m4s",
    "h264-720-a99/init.mp4",
    "h264-720-a0/999999.m4s",
    "h264-720-a0/%2e%2e%2f%2e%2e/init.mp4",
    f"h264-720-a0/{2**62}.m4s",
    "h264-720-a0/%00.m4s",
    "h264-720-a0/0.m4s?key=%22%0aX",
)
KEYS = ("00000000", "0", "%00", "..", "z" * 2000, "00000000%0a", "٣" * 8)


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


def element(identity: str, *content: bytes) -> bytes:
    """An EBML element (RFC 8794, section 6) with a size of eight bytes."""
    body = b"".join(content)
    return bytes.fromhex(identity) + (1 << 56 | len(body)).to_bytes(8, "big") + body


def elements(body: bytes) -> Iterator[tuple[str, bytes]]:
    """The identities and contents of the elements in a body."""
    at = 0
    while at < len(body):
        width = 9 - body[at].bit_length()
        identity, at = body[at : at + width].hex(), at + width
        width = 9 - body[at].bit_length()
        size = int.from_bytes(body[at : at + width], "big") & ((1 << 7 * width) - 1)
        at += width
        yield identity, body[at : at + size]
        at += size


def with_tracks(film: bytes, count: int) -> bytes:
    """A Matroska film with so many tracks, all but its own of them of subtitles without a line."""
    (head, header), (_, segment) = elements(film)
    more = (
        element(
            "ae",
            element("d7", number.to_bytes(2, "big")),
            element("73c5", number.to_bytes(2, "big")),
            element("83", b"\x11"),
            element("86", b"S_TEXT/UTF8"),
        )
        for number in range(3, count + 1)
    )
    parts = [
        element(identity, body, *(more if identity == "1654ae6b" else ()))
        for identity, body in elements(segment)
        if identity in ("1549a966", "1654ae6b", "1f43b675")  # Info, Tracks, Cluster
    ]
    return element(head, header) + element("18538067", *parts)


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
    each.add("sounds.mkv", many.read_bytes())
    each.add("tracks.mkv", with_tracks(mkv, TRACKS))
    async with each:
        await each.probed()
        yield each


async def status_of(home: Home, address: str) -> tuple[int, bytes]:
    answer = await home.client.get(address)
    return answer.status_code, await answer.get_data(as_text=False)


async def test_files_that_are_no_films_have_no_player_and_no_segments(home: Home) -> None:
    for name in NO_FILMS:
        status, page = await status_of(home, f"/watch/{name}")
        assert status in (200, 404)
        assert b"<video" not in page
        video = await home.video(name)
        assert (await status_of(home, home.services.playback.address(video)))[0] == 404


async def test_a_film_of_more_tracks_than_any_has_is_a_message_or_has_the_first(
    home: Home,
) -> None:
    status, page = await status_of(home, "/watch/sounds.mkv")
    assert (status, b"<video" in page) == (200, False)
    video = await home.video("sounds.mkv")
    assert video.reason
    assert (await status_of(home, home.services.playback.address(video)))[0] == 404
    _, page = await status_of(home, "/watch/tracks.mkv")
    assert 1 <= page.count(b"<track ") <= MAX_STREAMS
    await _is_bounded(home, "tracks.mkv")
    media_hash = (await home.video("tracks.mkv")).media_hash
    for number, expected in ((0, 200), (MAX_STREAMS, 404), (TRACKS - 1, 404)):
        address = f"/subtitles/{media_hash}/inside-{number}.vtt"
        assert (await status_of(home, address))[0] == expected


async def test_a_file_that_never_ends_costs_its_own_job_at_the_most(tmp_path: Path) -> None:
    film = make_video(tmp_path / "a.ts", seconds=2, size=(96, 64), sound=True).read_bytes()
    home = Home(tmp_path / "home", watch="off")
    home.add("good.ts", film)
    path = home.add("endless.ts", film)
    os.truncate(path, ENDLESS_BYTES)  # a disk holds no more than the beginning
    os.utime(path, ns=(OLD_NS, OLD_NS))
    async with home:
        await home.probed()
        master = home.services.playback.address(await home.video("endless.ts"))
        asked = asyncio.create_task(status_of(home, master + "?play=converted"))
        for address in ("/ping", "/watch/good.ts", "/watch/endless.ts"):
            assert (await status_of(home, address))[0] == 200
        status, content = await asked
        if status == 200:
            folder = f"{master.rpartition('/')[0]}/{content.decode().splitlines()[-1]}"
            _, listed = await status_of(home, folder)
            assert listed.count(b"#EXTINF") <= MAX_SEGMENTS
        else:
            assert status in (400, 503, 504), content
        await _is_bounded(home, "good.ts")


async def test_a_pipe_in_the_place_of_a_film_keeps_nobody_waiting(home: Home) -> None:
    path, master = (
        home.library / "good.avi",
        home.services.playback.address(await home.video("good.avi")),
    )
    path.unlink()
    os.mkfifo(path)  # nobody writes into it: who opens it to read waits for ever
    os.mkfifo(home.library / "pipe.mp4")
    for address in (master, master.replace("master.m3u8", "h264-360-a0/0.m4s"), "/video/good.avi"):
        status, content = await status_of(home, address)
        assert (status in (400, 404), bool(content)) == (True, True), address
    await home.scan()
    assert (await status_of(home, "/watch/pipe.mp4"))[0] == 404
    assert (await home.video("good.avi")).missing


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
        if status == 200 and not tail.startswith("h264-720-a0/0.m4s"):
            assert content.startswith(b"#EXTM3U")
    for key in KEYS:
        for tail in ("master.m3u8", "h264-360-a0/index.m3u8", "h264-360-a0/0.m4s"):
            address = f"/hls/{master.split('/')[2]}/{key}/{tail}"
            assert (await status_of(home, address))[0] == 404, address
    hash_ = master.split("/")[2]
    for track in ("inside-0", "inside-99", "inside-999", "inside--1"):
        assert (await status_of(home, f"/subtitles/{hash_}/{track}.vtt"))[0] == 404


async def test_two_hundred_requests_at_once_leave_the_server_answering(home: Home) -> None:
    pool = home.services.playback.pool
    master = home.services.playback.address(await home.video("good.avi"))
    folder = f"{master.rpartition('/')[0]}/h264-360-a0"
    assert (await status_of(home, f"{folder}/index.m3u8"))[0] == 200
    [worker] = pool.process_ids
    os.kill(worker, signal.SIGSTOP)
    try:
        asked = [
            asyncio.create_task(status_of(home, f"{folder}/{number % 2}.m4s"))
            for number in range(200)
        ]
        await home.until(lambda: sum(task.done() for task in asked) >= 120)  # those refused
        for address in ("/ping", "/", "/watch/good.avi", "/video/good.avi"):
            assert (await status_of(home, address))[0] == 200  # while the others wait
        assert {task.result()[0] for task in asked if task.done()} == {429}
        assert sum(not task.done() for task in asked) == 80
        assert len(pool._shared) == 2
    finally:
        os.kill(worker, signal.SIGCONT)
    answers = [status for status, _ in await asyncio.gather(*asked)]
    assert (answers.count(200), answers.count(429)) == (80, 120)
    assert pool.made == 2


async def test_a_killed_worker_loses_only_its_current_work(home: Home) -> None:
    pool = home.services.playback.pool
    folders = []
    for name in ("good.avi", "cut.avi"):
        master = home.services.playback.address(await home.video(name))
        folders.append(f"{master.rpartition('/')[0]}/h264-360-a0")
        await status_of(home, f"{folders[-1]}/index.m3u8")
    seats = {
        session.video.title: session.player.process_id
        for session in pool._sessions.values()
        if session.player
    }
    os.kill(seats["good"], signal.SIGSTOP)
    lost = asyncio.create_task(status_of(home, f"{folders[0]}/0.m4s"))
    await home.until(lambda: bool(pool._shared))
    os.kill(seats["good"], signal.SIGKILL)
    assert (await lost)[0] in (503, 504)
    for folder in folders:
        assert (await status_of(home, f"{folder}/0.m4s"))[0] == 200
    assert seats["cut"] in pool.process_ids
