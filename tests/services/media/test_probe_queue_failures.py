"""Failures that pass are no verdict on a film: it stays in the gallery, and is made up for."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.disks import read_only
from support.home import OLD_NS, Home, distinct_video

from lvs.db import videos
from lvs.errors import BrokenWorker, Unavailable
from lvs.services.media.probe_queue import BROKEN_IN_A_ROW, CRASHES_AT_MOST

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX permissions")


async def states(home: Home) -> list[tuple[Any, ...]]:
    async with home.services.database.read() as db:
        rows = await db.all(
            "SELECT state, poster IS NOT NULL, attempts > 0 FROM videos ORDER BY id"
        )
    return [tuple(row) for row in rows]


async def fail(home: Home, error: Unavailable, times: int = 1) -> None:
    """Have each video fail so often, as the queue notes it."""
    async with home.services.database.read() as db:
        waiting = await videos.waiting(db, 100, 0, posters=True)
    for _ in range(times):
        for item in waiting:
            await home.services.jobs._failed(item, error)


@pytest.mark.parametrize(
    "reason",
    [
        "It could not be read: Input/output error.",
        "The process that analysed it stopped unexpectedly.",
    ],
)
async def test_films_stay_however_often_a_probe_fails(home: Home, reason: str) -> None:
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    async with home.services.database.transaction() as tx:
        await videos.reprobe(tx, [1])
    await fail(home, Unavailable(reason), times=12)
    assert await home.titles() == ["film"]
    assert await states(home) == [("ready", True, True)]


async def test_a_file_over_which_workers_crash_is_unreadable_until_it_is_not(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    await home.probed()
    async with home.services.database.transaction() as tx:
        await videos.reprobe(tx, [1])
    error = BrokenWorker("The process that analysed it stopped unexpectedly.")
    await fail(home, error, times=CRASHES_AT_MOST)
    assert await home.titles() == []
    await home.stop()
    await home.start()
    await home.probed()
    assert await home.titles() == ["film"]


async def test_a_verdict_of_before_that_was_a_bad_moment_is_taken_back_at_the_start(
    home: Home,
) -> None:
    for number in range(5):
        home.add(f"{number}.mp4")
    await home.scan()
    await home.probed()
    reasons = [
        "The analysis failed.",
        "It could not be read: Permission denied.",
        "The analysis took longer than 60 seconds.",
        "Looking into it took longer than 60 seconds.",  # in the words of an earlier version
        "Looking into it takes more memory than it may have.",
    ]
    async with home.services.database.transaction() as tx:
        for video_id, reason in enumerate(reasons, 1):
            await tx.run(
                "UPDATE videos SET state = 'unreadable', reason = ? WHERE id = ?",
                (reason, video_id),
            )
    await home.stop()
    await home.start()
    await home.probed()
    assert await states(home) == [("ready", True, False)] * 5


async def test_once_a_probe_succeeds_after_many_failures_all_are_tried_at_once(home: Home) -> None:
    for number in range(BROKEN_IN_A_ROW + 1):
        home.add(f"{number}.mp4")
    await home.scan()
    await home.probed()
    async with home.services.database.transaction() as tx:
        await videos.reprobe(tx, [1, 2, 3])
    await fail(home, Unavailable("The analysis failed."), times=8)
    assert [failed for _, _, failed in await states(home)] == [True, True, True, False]
    await home.services.jobs.reprobe([4])
    await home.until(lambda: home.services.jobs.tally.done >= 8)
    await home.probed()
    assert await states(home) == [("ready", True, False)] * 4


async def test_posters_switched_on_later_are_made(tmp_path: Path) -> None:
    async with Home(tmp_path, enable_thumbnails=False) as home:
        for name in ("a.mp4", "b.mp4", "c.mp4"):
            home.add(name)
        await home.scan()
        await home.probed()
        assert await states(home) == [("ready", False, False)] * 3
    async with Home(tmp_path) as home:
        await home.probed()
        assert await states(home) == [("ready", True, False)] * 3


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """Make the folder read-only while the block runs, even for root."""
    if os.geteuid() == 0:
        with read_only(folder):
            yield
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    folder.chmod(0o500)
    yield
    folder.chmod(mode)


async def test_posters_that_could_not_be_written_are_made_later(home: Home) -> None:
    with unwritable(home.services.posters.folder):
        home.add("a.mp4")
        await home.scan()
        await home.probed()
        assert await states(home) == [("ready", False, True)]
    await home.stop()
    await home.start()
    await home.probed()
    assert await states(home) == [("ready", True, False)]


@pytest.mark.parametrize("pieces", [1, 2, 3])
async def test_a_download_that_is_completed_between_the_samples_is_probed(
    home: Home, pieces: int
) -> None:
    filler = bytes(400_000)
    whole = distinct_video() + len(filler).to_bytes(4, "big") + b"free" + filler[8:]
    block = 64 * 1024
    starts = (0, (len(whole) - block) // 2, len(whole) - block)
    film = home.add("film.mp4", whole)
    # The index of the seed lies within the first sample; what is missing lies between the others.
    await home.scan()
    await home.probed()
    for state in ("unreadable", "ready"):
        async with home.services.database.transaction() as tx:
            await tx.run("UPDATE videos SET state = ?, duration_s = 999", (state,))
        with film.open("r+b") as file:
            file.seek(starts[0] + block + pieces * 100)
            file.write(b"\1" * pieces)
        os.utime(film, ns=(OLD_NS, OLD_NS + pieces + (state == "ready") * 10))
        await home.scan()
        await home.probed()

        async def done() -> bool:
            video = await home.video("film.mp4")
            return bool(video.probe and video.probe.duration_s and video.probe.duration_s < 2)

        await home.until(done)
        assert await home.titles() == ["film"]
