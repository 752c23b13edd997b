"""The queue of videos that want to be looked into: probed, and given a poster.

The queue can be lost at any time: what is to be done follows from what is missing in the database, and is read from there again.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from lvs.db import gallery, videos
from lvs.db.database import Database
from lvs.errors import LvsError, Unreadable
from lvs.services.events import Event, Events
from lvs.services.ffmpeg import FFmpeg
from lvs.services.library import Library, now_ms
from lvs.services.posters import PosterStore

log = logging.getLogger(__name__)

QUEUE_SIZE = 500
LOW_WATER = 100
MAX_ATTEMPTS = 3
SWEEP_PAUSE_S = 60.0  # how long a passing failure rests before it is tried again
URGENT, NORMAL = 0, 1


@dataclass(slots=True)
class Tally:
    """What the workers did since the start."""

    done: int = 0
    unreadable: int = 0
    failed: int = 0


class Jobs:
    """Looks into videos, those that somebody is looking at first."""

    def __init__(self, database: Database, library: Library, events: Events, ffmpeg: FFmpeg, posters: PosterStore | None) -> None:
        self._database = database
        self._library = library
        self._events = events
        self._ffmpeg = ffmpeg
        self._posters = posters
        self._queue: asyncio.PriorityQueue[tuple[int, int, int]] = asyncio.PriorityQueue(QUEUE_SIZE * 2)
        self._order = itertools.count()
        self._queued: dict[int, int] = {}  # id of the video: its priority
        self._running: set[int] = set()
        self._low = asyncio.Event()
        self._sweep_again = asyncio.Event()
        self.remaining = 0
        self.sweeps_done = 0
        self.tally = Tally()
        events.on(Event.ADDED, self._noticed)
        events.on(Event.MODIFIED, self._noticed)

    def _noticed(self, video_ids: Collection[int]) -> None:
        self._sweep_again.set()

    def put(self, video_id: int, urgent: bool = False) -> bool:
        """Queue a video; False where it is queued already at least as urgently, is being looked into, or the queue is full."""
        priority = URGENT if urgent else NORMAL
        if video_id in self._running or self._queued.get(video_id, NORMAL + 1) <= priority:
            return False
        with contextlib.suppress(asyncio.QueueFull):
            self._queue.put_nowait((priority, next(self._order), video_id))
            self._queued[video_id] = priority
            return True
        return False

    def visible(self, video_ids: Iterable[int]) -> None:
        """Somebody is looking at these: they come first."""
        for video_id in video_ids:
            self.put(video_id, urgent=True)

    @property
    def queued(self) -> int:
        return len(self._queued)

    @property
    def running(self) -> int:
        return len(self._running)

    async def feed(self) -> None:
        """Fill the queue with what the database says is to be done, for as long as the server runs."""
        while True:
            self._sweep_again.clear()
            await self._sweep()
            self.sweeps_done += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._sweep_again.wait(), SWEEP_PAUSE_S)

    async def _sweep(self) -> None:
        async with self._database.read() as db:
            self.remaining = await videos.count_waiting(db, MAX_ATTEMPTS)
        last = 0
        while True:
            async with self._database.read() as db:
                waiting = await videos.waiting(db, QUEUE_SIZE, last, MAX_ATTEMPTS)
            if not waiting:
                return
            last = waiting[-1].video_id
            for item in waiting:
                self.put(item.video_id)
            while self.queued > LOW_WATER:
                self._low.clear()
                await self._low.wait()

    async def work(self) -> None:
        """Take one video after the other; one bad film stops nobody."""
        while True:
            _, _, video_id = await self._queue.get()
            if self._queued.pop(video_id, None) is None:
                continue  # it was queued a second time, more urgently, and is done
            if self.queued <= LOW_WATER:
                self._low.set()
            self._running.add(video_id)
            try:
                await self._look(video_id)
            except LvsError as error:
                log.warning("video %d could not be looked into: %s", video_id, error)
            except Exception:
                log.exception("looking into video %d went wrong", video_id)
            finally:
                self._running.discard(video_id)
                self.remaining = max(0, self.remaining - 1)

    async def _look(self, video_id: int) -> None:
        async with self._database.read() as db:
            item = await videos.waiting_one(db, video_id)
        if item is None:
            return
        path = self._library.file_path(item.root_id, item.path)
        try:
            look = await self._ffmpeg.look(path, self._posters.target(item.fingerprint) if self._posters else ())
        except Unreadable as error:
            self.tally.unreadable += 1
            async with self._database.transaction() as tx:
                await videos.unreadable(tx, video_id, item.fingerprint, error.sentence, now_ms())
                await gallery.refresh(tx, [video_id])
        except LvsError as error:
            self.tally.failed += 1
            await self._failed(item, error.sentence)
        else:
            self.tally.done += 1
            poster = item.fingerprint if look.has_poster else None
            async with self._database.transaction() as tx:
                await videos.looked(tx, video_id, item.fingerprint, look.probe, poster, now_ms())
                await gallery.refresh_card(tx, video_id)
        self._events.tell(Event.BATCH_DONE, (video_id,))

    async def _failed(self, item: videos.Waiting, reason: str) -> None:
        """A passing failure is tried again later; after the last try the file is listed with the reason."""
        async with self._database.transaction() as tx:
            if await videos.look_failed(tx, item.video_id, reason, now_ms()) >= MAX_ATTEMPTS:
                await videos.unreadable(tx, item.video_id, item.fingerprint, reason, now_ms())
                await gallery.refresh(tx, [item.video_id])

    async def look_again(self, video_ids: Collection[int]) -> None:
        """Look into these again, as somebody asked for it."""
        async with self._database.transaction() as tx:
            await videos.look_again(tx, list(video_ids))
        self.visible(video_ids)
        self._sweep_again.set()
