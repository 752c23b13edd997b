"""Playlists and segments as a player asks for them, and what is refused."""

import asyncio
import os
import re
import signal
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest
from support.home import Home
from support.media import make_video
from support.wire import Wire

from lvs.errors import TooManyRequests

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    each = Home(tmp_path, watch="off")
    seed = tmp_path / "seed.mkv"
    make_video(seed, seconds=5, size=(96, 64), frames_per_second=25, sound=True)
    each.add("film.mkv", seed.read_bytes())
    make_video(tmp_path / "seed.avi", seconds=3, size=(96, 64), video_codec="mpeg4", sound=True)
    each.add("old.avi", (tmp_path / "seed.avi").read_bytes())
    async with each:
        each.services.playback.pool.speeds.learn_trial(0.0)  # the size is the usual one
        await each.probed()
        yield each


async def master_of(home: Home, name: str) -> str:
    return home.services.playback.address(await home.video(name))


async def get(home: Home, address: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    answer = await home.client.get(address, headers=headers)
    return answer.status_code, dict(answer.headers), await answer.get_data(as_text=False)


async def test_a_player_gets_from_the_master_to_every_segment(home: Home) -> None:
    for name in ("film.mkv", "old.avi"):
        master = await master_of(home, name)
        status, headers, content = await get(home, master)
        assert status == 200
        assert headers["content-type"] == "application/vnd.apple.mpegurl"
        assert headers["cache-control"] == "no-cache"
        variant = content.decode().splitlines()[-1]
        assert variant == ("copy-a0/index.m3u8" if name == "film.mkv" else "h264-720-a0/index.m3u8")
        playlist = master.rpartition("/")[0] + "/" + variant
        status, _, content = await get(home, playlist)
        assert status == 200
        pieces = ["init.mp4", *re.findall(r"^\d+\.m4s$", content.decode(), re.MULTILINE)]
        assert len(pieces) > 2
        for piece in pieces:
            status, headers, content = await get(home, playlist.rpartition("/")[0] + "/" + piece)
            assert (status, headers["content-type"]) == (200, "video/mp4")
            assert headers["cache-control"] == "private, max-age=86400, immutable"
            assert content[4:8] == (b"ftyp" if piece == "init.mp4" else b"moof")


async def test_a_range_of_a_playlist_and_of_a_segment_is_answered(home: Home) -> None:
    master = await master_of(home, "film.mkv")
    whole = (await get(home, master))[2]
    status, headers, content = await get(home, master, Range="bytes=0-")
    assert (status, content) == (206, whole)
    assert headers["content-range"] == f"bytes 0-{len(whole) - 1}/{len(whole)}"
    segment = master.replace("master.m3u8", "copy-a0/0.m4s")
    whole = (await get(home, segment))[2]
    assert (await get(home, segment, Range="bytes=4-7"))[2] == whole[4:8]
    status, headers, _ = await get(home, segment, Range=f"bytes={len(whole)}-")
    assert (status, headers["content-range"]) == (416, f"bytes */{len(whole)}")


@pytest.mark.parametrize(
    "tail",
    [
        "copy-a0/99999.m4s",
        "copy-a0/1000000000000.m4s",
        "copy-a0/-1.m4s",
        "copy-a0/².m4s",
        "copy-a0/x.m4s",
        "copy-a7/0.m4s",
        "copy-a7/index.m3u8",
        "hevc-a0/index.m3u8",
        "h264-999-a0/0.m4s",
        "nothing/init.mp4",
        "..%2f..%2fmaster.m3u8",
    ],
)
async def test_unknown_segments_and_playlists_are_not_found(home: Home, tail: str) -> None:
    master = await master_of(home, "film.mkv")
    assert (await get(home, master.replace("master.m3u8", tail)))[0] == 404


async def test_an_unknown_key_or_film_is_not_found(home: Home) -> None:
    master = await master_of(home, "film.mkv")
    _, _, media_hash, key, _ = master.split("/")
    for address in (master.replace(key, "00000000"), master.replace(media_hash, "0" * 16)):
        assert (await get(home, address))[0] == 404


async def test_the_address_chooses_conversion_size_and_sound(home: Home) -> None:
    master = await master_of(home, "film.mkv")
    _, _, content = await get(home, master + "?play=converted&quality=360&audio=9")
    assert content.decode().splitlines()[-1] == "h264-360-a0/index.m3u8"
    _, _, content = await get(home, master + "?play=x&quality=%C2%B2&audio=-1")
    assert content.decode().splitlines()[-1] == "copy-a0/index.m3u8"


async def test_a_changed_file_ends_with_not_found(home: Home) -> None:
    master = await master_of(home, "film.mkv")
    assert (await get(home, master.replace("master.m3u8", "copy-a0/0.m4s")))[0] == 200
    with (home.library / "film.mkv").open("ab") as file:
        file.write(b"more")
    assert (await get(home, master.replace("master.m3u8", "copy-a0/0.m4s")))[0] == 404


async def test_the_watch_page_offers_the_file_and_then_its_segments(home: Home) -> None:
    page = (await get(home, "/watch/film.mkv"))[2].decode()
    sources = re.findall(r'<source src="([^"]+)" type="([^"]+)">', page)
    assert [address for address, _ in sources] == [
        "/video/film.mkv",
        await master_of(home, "film.mkv"),
    ]
    assert re.fullmatch(
        r"video/x-matroska; codecs=&#34;avc1\.[0-9a-f]{6}, mp4a\.40\.2&#34;", sources[0][1]
    )
    assert sources[1][1] == "application/vnd.apple.mpegurl"
    converted = (await get(home, "/watch/film.mkv?play=converted"))[2].decode()
    assert re.findall(r'<source src="([^"]+)"', converted) == [
        await master_of(home, "film.mkv") + "?play=converted"
    ]


async def test_the_first_page_of_a_film_to_convert_knows_how_quick_the_machine_is(
    tmp_path: Path,
) -> None:
    make_video(tmp_path / "seed.avi", seconds=3, size=(96, 64), video_codec="mpeg4", sound=True)
    async with Home(tmp_path) as home:
        home.add("old.avi", (tmp_path / "seed.avi").read_bytes())
        await home.scan()
        await home.probed()
        playback, video = home.services.playback, await home.video("old.avi")
        assert playback.pool.speeds.needs_trial()
        assert (await get(home, "/watch/old.avi"))[0] == 200
        assert not playback.pool.speeds.needs_trial()
        assert video.probe
        assert (await playback.least_speed(video, video.probe) or 0) > 1
        assert not playback.pool.process_ids


async def test_the_page_says_before_play_that_even_the_smallest_size_is_too_slow(
    home: Home,
) -> None:
    make = make_video(home.library.parent / "plays.mp4", seconds=2, size=(96, 64), sound=True)
    home.add("plays.mp4", make.read_bytes())
    await home.scan()
    await home.probed()
    speeds = home.services.playback.pool.speeds
    for megapixels_per_s, said in ((0.001, True), (1000.0, False)):
        for codec in ("mpeg4", "h264"):
            speeds._speeds[f"{codec} 8"] = megapixels_per_s
        for address, is_converted in (
            ("old.avi", True),
            ("old.avi?quality=360", True),
            ("film.mkv", False),  # its picture is copied
            ("film.mkv?audio=0", False),
            ("film.mkv?play=converted", True),
            ("plays.mp4", False),
            ("plays.mp4?quality=360", True),
        ):
            page = (await get(home, f"/watch/{address}"))[2].decode()
            assert ('id="slow-note"' in page) is (said and is_converted), address
            assert "even in 360 lines" in page or not (said and is_converted)


async def test_a_film_is_offered_copied_alone_while_there_is_no_room_to_convert(
    home: Home,
) -> None:
    make_video(home.library.parent / "x.mkv", seconds=3, size=(96, 64), video_codec="libx265")
    home.add("new.mkv", (home.library.parent / "x.mkv").read_bytes())
    await home.scan()
    await home.probed()
    master, pool = await master_of(home, "new.mkv"), home.services.playback.pool
    both = (await get(home, master))[2].decode()
    assert "hevc-a0/index.m3u8" in both
    assert "h264-720-a0/index.m3u8" in both
    pool.turns = 1
    old = (await master_of(home, "old.avi")).replace("master.m3u8", "h264-360-a0/0.m4s")
    assert (await get(home, old))[0] == 200
    metrics = (await get(home, "/metrics"))[2].decode()
    said = re.search(
        r'^lvs_conversion_speed{client="[^"]+",film="old"} (\S+)', metrics, re.MULTILINE
    )
    assert said is not None
    assert float(said[1]) > 0
    [other] = [session for session in pool._sessions.values() if session.converted_at > 0]
    other.client, other.speeds = "10.0.0.9", deque([1.0])
    busy = (await get(home, master))[2].decode()
    assert "hevc-a0/index.m3u8" in busy
    assert "h264" not in busy
    status, _, content = await get(home, f"{master}?play=converted")
    assert status == 503
    assert b"already converting" in content
    page = (await get(home, "/watch/new.mkv"))[2].decode()
    assert 'data-busy="This machine is already converting' in page
    assert 'data-late="Making the next piece of this film took too long' in page


async def test_an_unreadable_file_has_no_player(home: Home) -> None:
    home.add("list.mp4", b"#EXTM3U\n#EXTINF:1,\n/video/film.mkv\n")
    await home.scan()
    await home.probed()
    page = (await get(home, "/watch/list.mp4"))[2].decode()
    assert "<video" not in page
    assert "cannot be played" in page
    video = await home.video("list.mp4")
    assert (await get(home, home.services.playback.address(video)))[0] == 404


async def test_one_client_may_not_ask_for_everything_at_once(tmp_path: Path) -> None:
    async with Home(tmp_path / "other", streams_per_client=1) as home:
        for bound in (home.services.playback._pieces, home.services.playback.subtitle_room):
            with (
                bound.one_more("10.0.0.1"),
                bound.one_more("10.0.0.2"),
                pytest.raises(TooManyRequests),
                bound.one_more("10.0.0.1"),
            ):
                pass
            with bound.one_more("10.0.0.1"):
                pass
            assert not bound._waiting


async def test_work_for_a_page_that_was_left_ends_with_its_connection(home: Home) -> None:
    pool = home.services.playback.pool
    master = await master_of(home, "old.avi")
    piece = master.replace("master.m3u8", "h264-360-a0/1.m4s")
    await pool.facts(
        home.services.playback.played(await home.video("old.avi"), master.split("/")[3])
    )
    [worker] = pool.process_ids
    os.kill(worker, signal.SIGSTOP)  # it would be done before anybody can leave
    async with Wire(home.app) as wire:
        _, writer = await wire.connect()
        writer.write(f"GET {piece} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await until(lambda: bool(pool._shared))
        writer.close()
        await until(lambda: not pool._shared and not pool._converting.locked())
    await until(lambda: not psutil.pid_exists(worker))  # it did not let go of it


async def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "waited too long"
        await asyncio.sleep(0.02)
