"""An hour of use in fast motion: whatever people and machines do, nothing is left over."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from support.media import make_video

from lvs.errors import LvsError, NotFound
from lvs.services.playback import planner
from lvs.services.playback.planner import Variant
from lvs.services.playback.player import PlayedVideo
from lvs.services.playback.player_pool import MOST_PLAYERS, PlayerPool
from lvs.services.playback.segment_cache import SegmentCache

STEPS = 110
SEED = 12
LIMIT_BYTES = 200_000
IDLE_S = 0.5
NAMES = ("one.mkv", "two.mkv", "old.avi", "new.mp4")
CODECS = {"old.avi": "mpeg4", "new.mp4": "libx265"}


class Household:
    """Two clients who open, jump about, leave and come back, and what happens beside them."""

    def __init__(self, folder: Path, pool: PlayerPool) -> None:
        self.folder = folder
        self.pool = pool
        self.chance = random.Random(SEED)
        self.changes = 0
        self.waiting: set[asyncio.Task[bytes]] = set()
        self.served = 0
        self.ends: list[str] = []

    def film(self) -> PlayedVideo:
        path = self.folder / self.chance.choice(NAMES)
        status = path.stat()
        version = (status.st_size, status.st_mtime_ns)
        key = planner.stream_key(f"{path.name} {version}")
        return PlayedVideo(path.stem.rjust(16, "0"), key, os.fsencode(path), version, path.name)

    async def variant(self, film: PlayedVideo) -> Variant:
        facts = await self.pool.facts(film)
        offered = planner.variants(
            facts,
            audio=self.chance.randrange(2),
            converted=self.chance.random() < 0.5,
            height=self.chance.choice((360, 480)),
        )
        return self.chance.choice(offered)

    async def watch(self) -> None:
        """Ask for a piece of some film, as a player does after opening or a jump."""
        film, client = self.film(), self.chance.choice(("10.0.0.1", "10.0.0.2"))
        variant = await self.variant(film)
        facts = await self.pool.facts(film)
        number = self.chance.randrange(len(planner.cut_list(facts, variant.way)))
        for piece in (number, number + self.chance.randrange(2)):
            asked = self.pool.segment(film, variant, piece, client)
            self.waiting.add(asyncio.create_task(asked))

    async def wait(self) -> None:
        """See what was asked for."""
        tasks, self.waiting = self.waiting, set()
        for answer in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(answer, bytes):
                self.served += len(answer) > 0
            else:
                assert isinstance(answer, LvsError | asyncio.CancelledError), repr(answer)
                self.ends.append(type(answer).__name__)

    async def leave(self) -> None:
        """Close the page in the middle of it."""
        await asyncio.sleep(self.chance.random() * 0.2)
        for task in self.waiting:
            task.cancel()
        await self.wait()

    async def change_file(self) -> None:
        """Write a film anew: the size stays, its time does not."""
        path = self.folder / self.chance.choice(NAMES)
        status = path.stat()
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))
        self.changes += 1

    async def kill_worker(self) -> None:
        for process_id in self.pool.process_ids[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)

    async def fill_disk(self) -> None:
        """The disk is full, or has room again."""
        full = self.pool.cache._least_free_bytes > 0
        self.pool.cache._least_free_bytes = 0 if full else 1 << 60

    async def lose_cache(self) -> None:
        """Somebody tidies up."""
        await asyncio.to_thread(shutil.rmtree, self.pool.cache.folder, ignore_errors=True)

    async def idle(self) -> None:
        await asyncio.sleep(0.1)


@pytest.fixture
async def household(tmp_path: Path) -> AsyncIterator[Household]:
    films = tmp_path / "films"
    films.mkdir()
    for name in NAMES:
        make_video(
            films / name,
            seconds=5,
            size=(160, 90),
            frames_per_second=15,
            sound=True,
            video_codec=CODECS.get(name, "libx264"),
        )
    cache = SegmentCache(tmp_path / "cache", LIMIT_BYTES, least_free_bytes=0)
    cache.prepare()
    pool = PlayerPool(cache, turns=1, idle_s=IDLE_S)
    yield Household(films, pool)
    await pool.close()


async def test_nothing_is_left_over(household: Household) -> None:
    pool = household.pool
    files_before = psutil.Process().num_fds()
    steps = [
        *(household.watch,) * 8,
        *(household.wait,) * 4,
        *(household.leave,) * 3,
        household.change_file,
        household.kill_worker,
        household.fill_disk,
        household.lose_cache,
        household.idle,
    ]
    seen: set[int] = set()
    for _ in range(STEPS):
        with contextlib.suppress(LvsError):
            await household.chance.choice(steps)()
        seen |= set(pool.process_ids)
        # what was opened before a change is held until nobody has asked for it for a while
        assert len(pool.process_ids) <= min(len(NAMES) + household.changes, MOST_PLAYERS)
        assert pool.cache.size_bytes <= LIMIT_BYTES
    await household.wait()
    assert household.served > STEPS // 10
    assert seen

    end = time.monotonic() + 30
    while pool._sessions or pool._shared or any(map(psutil.pid_exists, seen)):
        assert time.monotonic() < end, (list(pool._sessions), len(pool._shared), seen)
        await asyncio.sleep(0.05)
    assert pool.process_ids == ()
    assert pool.conversions() == [] or not pool._sessions
    assert not pool._converting.locked()
    kept = [path for path in pool.cache.folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) <= LIMIT_BYTES
    assert all(path.suffix == ".m4s" for path in kept)
    assert psutil.Process().num_fds() <= files_before


async def test_a_film_that_changed_never_mixes_with_what_it_was(household: Household) -> None:
    film = household.film()
    variant = await household.variant(film)
    await household.pool.segment(film, variant, 0)
    path = Path(os.fsdecode(film.path))
    os.utime(path, ns=(0, film.version[1] + 1_000_000))
    with pytest.raises(NotFound):
        await household.pool.segment(film, variant, 1)
