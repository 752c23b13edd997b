"""The pool with real worker processes: one job for all who ask, and nothing left over."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest
from support.media import make_video

from lvs.errors import NotFound, Unavailable, Unreadable
from lvs.services.playback.planner import Delivery, Variant, stream_key
from lvs.services.playback.player import PlayedVideo
from lvs.services.playback.player_pool import PlayerPool
from lvs.services.playback.segment_cache import SegmentCache

CONVERTED = Variant(Delivery.CONVERT, 360)


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[PlayerPool]:
    cache = SegmentCache(tmp_path / "cache", 64 << 20, least_free_bytes=0)
    cache.prepare()
    running = PlayerPool(cache, turns=1, idle_s=0.5)
    yield running
    await running.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    return make_video(
        folder / "film.mkv", seconds=9, size=(320, 180), frames_per_second=25, sound=True
    )


def film_at(path: Path, key: str = "film") -> PlayedVideo:
    status = path.stat()
    version = (status.st_size, status.st_mtime_ns)
    return PlayedVideo("0" * 16, stream_key(key), os.fsencode(path), version, "Film")


async def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "waited too long"
        await asyncio.sleep(0.02)


def gone(process_ids: tuple[int, ...]) -> bool:
    return not any(psutil.pid_exists(process_id) for process_id in process_ids)


async def test_a_segment_asked_for_by_many_is_made_once(pool: PlayerPool, path: Path) -> None:
    film = film_at(path)
    asked = (pool.segment(film, CONVERTED, 1) for _ in range(40))
    segments = await asyncio.gather(*asked)
    assert len(set(segments)) == 1
    assert pool.made == 1
    assert await pool.segment(film, CONVERTED, 1) == segments[0]
    assert (pool.made, pool.cache.hits) == (1, 1)


async def test_copied_segments_are_not_kept(pool: PlayerPool, path: Path) -> None:
    film = film_at(path)
    first = await pool.segment(film, Variant(Delivery.COPY), 0)
    assert await pool.segment(film, Variant(Delivery.COPY), 0) == first
    assert pool.cache.size_bytes == 0


async def test_a_worker_ends_some_time_after_the_last_request(pool: PlayerPool, path: Path) -> None:
    await pool.init(film_at(path), CONVERTED)
    process_ids = pool.process_ids
    assert len(process_ids) == 1
    await until(lambda: gone(process_ids))
    assert pool.process_ids == ()


async def test_work_ends_with_the_last_waiter(pool: PlayerPool, path: Path) -> None:
    film = film_at(path)
    await pool.facts(film)
    first, second = (asyncio.create_task(pool.segment(film, CONVERTED, 4)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second
    assert pool.made == 1
    left = asyncio.create_task(pool.segment(film, CONVERTED, 3))
    await asyncio.sleep(0.01)
    left.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await left
    assert await pool.segment(film, CONVERTED, 2)
    assert pool.made == 2


async def test_a_killed_worker_costs_one_request(pool: PlayerPool, path: Path) -> None:
    film = film_at(path)
    await pool.init(film, CONVERTED)
    os.kill(pool.process_ids[0], signal.SIGKILL)
    with contextlib.suppress(Unavailable):
        await pool.segment(film, CONVERTED, 0)
    assert await pool.segment(film, CONVERTED, 0)


async def test_a_changed_file_is_not_mixed_with_what_it_was(
    pool: PlayerPool, tmp_path: Path
) -> None:
    mine = make_video(tmp_path / "film.mkv", seconds=2)
    film = film_at(mine)
    await pool.init(film, CONVERTED)
    make_video(mine, seconds=3)
    with pytest.raises(NotFound):
        await pool.segment(film, CONVERTED, 0)


async def test_a_file_that_is_no_film_is_unreadable(pool: PlayerPool, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n")
    with pytest.raises(Unreadable):
        await pool.facts(film_at(path))


async def test_a_link_is_not_followed(pool: PlayerPool, path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.mkv"
    link.symlink_to(path)
    with pytest.raises(Unavailable):
        await pool.facts(film_at(link))


async def test_posters_wait_while_a_film_is_converted(pool: PlayerPool, path: Path) -> None:
    await asyncio.wait_for(pool.wait_quiet(), 5)
    await pool.segment(film_at(path), CONVERTED, 0)
    assert [conversion.title for conversion in pool.conversions()] == ["Film"]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pool.wait_quiet(), 0.05)


async def test_a_viewer_who_changes_films_is_never_refused_for_the_one_before(
    pool: PlayerPool, path: Path
) -> None:
    first, second = film_at(path), film_at(path, "other")
    await pool.segment(first, CONVERTED, 0, "10.0.0.1")
    session = pool._sessions[first.key]
    session.speeds.extend([1.0] * 8)  # it just keeps up
    pool.check_room(second, "10.0.0.1")
    with pytest.raises(Unavailable):
        pool.check_room(second, "10.0.0.2")


async def test_the_cache_keeps_within_its_bound(tmp_path: Path) -> None:
    cache = SegmentCache(tmp_path / "cache", 1000, least_free_bytes=0)
    cache.prepare()
    for number in range(20):
        await cache.put(f"film/key/variant/{number}.m4s", bytes([number]) * 200)
    files = [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]
    assert len(files) == 5
    assert cache.size_bytes == 1000
    assert await cache.get("film/key/variant/0.m4s") is None
    assert await cache.get("film/key/variant/19.m4s") == bytes([19]) * 200
    await cache.put("film/key/variant/20.m4s", b"x" * 251)  # more than its share
    assert cache.size_bytes == 1000
    cache.prepare()
    assert not list((tmp_path / "cache").iterdir())


async def test_many_at_once_keep_within_the_bound_and_leave_nothing_behind(
    tmp_path: Path,
) -> None:
    cache = SegmentCache(tmp_path / "cache", 1000, least_free_bytes=0)
    cache.prepare()
    puts = [
        asyncio.create_task(cache.put(f"film/key/variant/{number}.m4s", bytes([number]) * 200))
        for number in range(1, 40)
    ]
    for each in puts:
        await asyncio.sleep(0)
        if puts.index(each) % 3 == 0:
            each.cancel()
    await asyncio.gather(*puts, return_exceptions=True)
    while cache._writing:
        await asyncio.wait(cache._writing)
    sizes = [file.stat().st_size for file in (tmp_path / "cache").rglob("*") if file.is_file()]
    assert 0 < sum(sizes) <= 1000
    assert cache.size_bytes == sum(sizes)


async def test_nothing_is_kept_on_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    cache = SegmentCache(tmp_path / "cache", 1 << 30, least_free_bytes=1 << 62)
    cache.prepare()
    await cache.put("film/key/variant/0.m4s", b"content")
    assert await cache.get("film/key/variant/0.m4s") is None
