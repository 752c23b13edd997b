"""The queue of videos waiting to be probed and given a poster.

The queue can be lost at any time: what is to be done follows from what is missing in the database,
and is read from there again.
"""

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable

from msgspec import Struct

from lvs.clock import now_ms
from lvs.db import chapters, division, gallery, poster_colours, projections, videos
from lvs.db.database import Database
from lvs.errors import BrokenWorker, LvsError, Unreadable
from lvs.services.events import Event, Events
from lvs.services.library.library import Library
from lvs.services.media import stored_projection
from lvs.services.media.eye import drawing, drawing_key, poster_key
from lvs.services.media.posters import PosterStore
from lvs.services.media.probe_answer import ProbeResult
from lvs.services.media.probe_pool import probe_version
from lvs.services.media.worker_hosts import SharedProbes
from lvs.services.metrics import timed

log = logging.getLogger(__name__)

QUEUE_SIZE = 500
LOW_WATER = 100
CRASHES_AT_MOST = 3  # a file over which workers crash so often is called unreadable
BROKEN_IN_A_ROW = 3  # videos: where so many fail, none of them is to blame
SWEEP_PAUSE_S = 60.0  # how long a passing failure rests before it is tried again
FAILURES_KEPT = 50
URGENT, NORMAL, IDLE = 0, 1, 2

Job = Callable[[], Awaitable[None]]


class ProbeTally(Struct):
    """Counts of the workers since the start."""

    done: int = 0
    unreadable: int = 0
    failed: int = 0


class RunningProbe(Struct, frozen=True):
    """A video that is being probed, and for how many seconds."""

    video_id: int
    seconds: float


class FailedProbe(Struct, frozen=True):
    """A probe that failed for a passing reason; `at` is Unix milliseconds.

    `given_up` after the last try.
    """

    video_id: int
    at: int
    reason: str
    given_up: bool


class ProbeQueue:
    """Probes videos, those that somebody is looking at first."""

    def __init__(
        self,
        database: Database,
        library: Library,
        events: Events,
        probes: SharedProbes,
        posters: PosterStore | None,
        wait_turn: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._database = database
        self._library = library
        self._events = events
        self._shared_probes = probes
        self._posters = posters
        self._wait_turn = wait_turn  # returns when nobody watches a film that is being converted
        self._probe_version = probe_version()
        self._queue: asyncio.PriorityQueue[tuple[int, int, int]] = asyncio.PriorityQueue(
            QUEUE_SIZE * 2
        )
        self._order = itertools.count()
        self._jobs: dict[int, Job] = {}  # other work of the same workers, by a number below 0
        self._queued: dict[int, int] = {}  # id of the video: its priority
        self._running: dict[int, float] = {}  # id of the video: since when, by the monotonic clock
        self._probes: dict[int, asyncio.Future[None]] = {}
        self._stopped: dict[
            int, None
        ] = {}  # by hand: left alone until somebody asks for them, in the order they were stopped
        self._low = asyncio.Event()
        self._sweep_again = asyncio.Event()
        self._counted = 0  # what was to be done by the last count, and what became of it since
        self._all_in_line = True  # whatever is to be done stands in the queue
        self.sweeps_done = 0
        self.tally = ProbeTally()
        self.awaited: set[int] = (
            set()
        )  # whoever waits for probes puts the videos here; each is taken out when it is done
        self.failed_in_a_row = 0
        self._failed_together: dict[int, None] = {}  # since a probe went well, the latest last
        self._crashes: dict[int, int] = {}  # how often workers crashed over a video
        self.failures: dict[
            int, FailedProbe
        ] = {}  # by video, the latest last; gone when a later probe does better
        events.on(Event.ADDED, self._put_new)
        events.on(Event.MODIFIED, self._count_in)
        events.on(Event.RESHAPED, self._count_in)

    def _count_in(self, video_ids: Collection[int]) -> None:
        self._counted += len(video_ids)  # as long as a sweep lasts; the next one counts anew
        self._all_in_line = False
        self._sweep_again.set()

    def _put_new(self, video_ids: Collection[int]) -> None:
        """Queue videos that were just added; those that find no room wait for the next sweep."""
        if all(self.put(video_id) for video_id in video_ids):
            self._counted += len(video_ids)
        else:
            self._count_in(video_ids)

    @property
    def remaining(self) -> int:
        """The number of videos still to be probed; exact as soon as all of them stand in line.

        A count of the database alone is not: a probe may end while it is made.
        """
        in_hand = len(self._queued) + len(self._running)
        return in_hand if self._all_in_line else max(in_hand, self._counted)

    def put(self, video_id: int, urgent: bool = False) -> bool:
        """Queue a video.

        False where it is queued already at least as urgently, is being probed, was stopped by
        hand, or the queue is full.
        """
        priority = URGENT if urgent else NORMAL
        if (
            video_id in self._running
            or video_id in self._stopped
            or self._queued.get(video_id, NORMAL + 1) <= priority
        ):
            return False
        with contextlib.suppress(asyncio.QueueFull):
            self._queue.put_nowait((priority, next(self._order), video_id))
            self._queued.pop(video_id, None)
            self._queued[video_id] = priority
            return True
        return False

    def put_job(self, job: Job, urgent: bool = False) -> bool:
        """Queue other work for the worker processes: behind every probe, or `urgent` among those
        that somebody waits for. It does not count as a probe that remains. False where the queue is
        full.
        """
        number = next(self._order)
        with contextlib.suppress(asyncio.QueueFull):
            self._queue.put_nowait((URGENT if urgent else IDLE, number, -number - 1))
            self._jobs[-number - 1] = job
            return True
        return False

    def visible(self, video_ids: Iterable[int]) -> None:
        """Somebody is looking at these: they come first."""
        for video_id in video_ids:
            self.put(video_id, urgent=True)

    def prefer(self, video_ids: Iterable[int]) -> None:
        """Somebody is looking at these: those that wait come first, the others are left alone."""
        for video_id in video_ids:
            if video_id in self._queued:
                self.put(video_id, urgent=True)

    @property
    def queued(self) -> int:
        return len(self._queued)

    @property
    def urgent(self) -> int:
        """The number of queued videos that are on screen."""
        return sum(priority == URGENT for priority in self._queued.values())

    @property
    def running(self) -> int:
        return len(self._running)

    def under_way(self) -> list[RunningProbe]:
        """Probes under way, longest first."""
        now = time.monotonic()
        return [RunningProbe(video_id, now - since) for video_id, since in self._running.items()]

    def in_line(self) -> list[tuple[int, bool]]:
        """The queue, in order: the id of the video, and whether it
        comes before the rest.
        """
        return [
            (video_id, priority == URGENT)
            for video_id, priority in sorted(self._queued.items(), key=lambda item: item[1])
        ]

    def stopped(self) -> list[int]:
        """Probes stopped by hand, latest first."""
        return list(self._stopped)[::-1]

    def stop(self, video_id: int) -> bool:
        """Take a video out of the line, or end its probe; it is left alone until somebody
        asks for it, or LVS restarts.

        False where there was nothing to stop.
        """
        waiting = self._queued.pop(video_id, None) is not None
        probing = self._probes.get(video_id)
        if not waiting and probing is None:
            return False
        self._stopped[video_id] = None
        if probing is not None:
            probing.cancel()
        else:
            self._counted -= 1
        if self.queued <= LOW_WATER:
            self._low.set()
        return True

    async def feed(self) -> None:
        """Fill the queue with what the database says is to be done, for as long as the server runs.

        What failed before the start is tried again first: the cause may be gone.
        """
        await self._retry_failed_before()
        async with self._database.transaction() as tx:
            await videos.retry_failed(tx)
            await videos.retry_verdicts(tx)
        while True:
            self._sweep_again.clear()
            await self._sweep()
            self.sweeps_done += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._sweep_again.wait(), SWEEP_PAUSE_S)

    async def _retry_failed_before(self) -> None:
        async with self._database.read() as db:
            number = await videos.count_failed_before(db, self._probe_version)
        if number:
            log.info("retrying %d videos that another version could not read", number)
            async with self._database.transaction() as tx:
                await videos.retry_failed_before(tx, self._probe_version)

    async def _sweep(self) -> None:
        posters = self._posters is not None
        async with self._database.read() as db:
            # Most of the time there is nothing: then each video is read once, and not twice.
            found = await videos.waiting(db, 1, 0, posters)
            number = await videos.count_waiting(db, posters) if found else 0
            self._counted = number - len(self._stopped)
        last, overflowed = 0, False
        while found:
            async with self._database.read() as db:
                found = await videos.waiting(db, QUEUE_SIZE, last, posters)
            for item in found:
                last = item.video_id
                self.put(last)
            overflowed = overflowed or self._queue.full()
            while self.queued > LOW_WATER:
                self._low.clear()
                await self._low.wait()
        if not last and len(self._failed_together) >= BROKEN_IN_A_ROW:
            self.put(next(reversed(self._failed_together)))  # to see if the cause is gone
        self._all_in_line = not (overflowed or self._sweep_again.is_set())

    async def work(self) -> None:
        """Take one video after the other; one bad film stops nobody."""
        while True:
            _, _, video_id = await self._queue.get()
            if self._wait_turn is not None:
                await self._wait_turn()
            if job := self._jobs.pop(video_id, None):
                await self._run_job(job)
                continue
            if self._queued.pop(video_id, None) is None:
                continue  # it was queued a second time, more urgently, and is done
            if self.queued <= LOW_WATER:
                self._low.set()
            self._running[video_id] = time.monotonic()
            self._probes[video_id] = asyncio.ensure_future(self._probe(video_id))
            try:
                await self._probes[video_id]
            except asyncio.CancelledError:
                mine = asyncio.current_task()
                if video_id not in self._stopped or (mine and mine.cancelling()):
                    raise
                log.info("probing video %d was cancelled by the operator", video_id)
            except LvsError as error:
                log.warning("video %d could not be probed: %s", video_id, error)
            except Exception:
                log.exception("probing video %d failed unexpectedly", video_id)
            finally:
                del self._running[video_id], self._probes[video_id]
                self._counted -= 1

    async def _run_job(self, job: Job) -> None:
        try:
            await job()
        except LvsError as error:
            log.warning("a job of the probe queue failed: %s", error)
        except Exception:
            log.exception("a job of the probe queue failed unexpectedly")

    @timed("jobs.look")
    async def _probe(self, video_id: int) -> None:
        async with self._database.read() as db:
            item = await videos.waiting_one(db, video_id)
            facts = await projections.facts_of(db, video_id)
        if item is None:
            return
        path = self._library.file_path(item.root_id, item.path)
        try:
            found = await self._shared_probes.probe(
                path,
                self._posters.target(drawing_key(item.fingerprint, item.place), item.place)
                if self._posters
                else (),
                facts.name if facts else "",
                item.chosen,
                item.fingerprint,
            )
        except Unreadable as error:
            self.tally.unreadable += 1
            await self._worked(video_id)
            async with self._database.transaction() as tx:
                await videos.unreadable(tx, video_id, item.fingerprint, error.message, now_ms())
                await videos.probed_by(tx, video_id, self._probe_version)
                await gallery.refresh(tx, [video_id])
        except LvsError as error:
            self.tally.failed += 1
            self.failed_in_a_row += 1
            await self._failed(item, error)
        else:
            self.tally.done += 1
            await self._worked(video_id)
            await self._found(item, found)
        self.awaited.discard(video_id)
        self._events.publish(Event.CHANGED, (video_id,))

    async def _found(self, item: videos.WaitingVideo, result: ProbeResult) -> None:
        seen, video_id = result.evidence, item.video_id
        key = drawing_key(item.fingerprint, item.place)
        poster = poster_key(key, seen.eye) if result.has_poster else None
        lacks = self._posters is not None and poster is None
        drawn = drawing(seen.eye, item.place) if poster else None
        async with self._database.transaction() as tx:
            parted = await division.split_assumed(
                tx, video_id, item.fingerprint, result.probe.duration_s, now_ms()
            )
            of_id = parted or video_id
            await videos.put_probe(
                tx, of_id, item.fingerprint, result.probe, poster, now_ms(), lacks
            )
            if poster:
                await poster_colours.put(tx, poster, result.colour)
            await videos.probed_by(tx, of_id, self._probe_version)
            await stored_projection.found(tx, of_id, seen.container, seen.likeness, drawn)
            await chapters.put(tx, of_id, seen.chapters)
            if parted or await gallery.one(tx, video_id) is None:
                # It is two videos, or its name alone did not show it.
                await gallery.refresh(tx, [video_id, of_id])
            else:
                await gallery.refresh_card(tx, video_id)
        if parted:
            self._events.publish(Event.REASSIGNED, (video_id, parted))

    async def _worked(self, video_id: int) -> None:
        """Note the end of a probe. If many had failed before it, their cause is gone: all of them
        are tried again at once.
        """
        self.failed_in_a_row = 0
        self.failures.pop(video_id, None)
        self._crashes.pop(video_id, None)
        if len(self._failed_together) >= BROKEN_IN_A_ROW:
            async with self._database.transaction() as tx:
                await videos.retry_failed(tx)
            self._sweep_again.set()
        self._failed_together.clear()

    async def _failed(self, item: videos.WaitingVideo, error: LvsError) -> None:
        """A failure that may pass is tried again later, and the video stays where it is. A file is
        called unreadable where workers crash over it again and again.
        """
        reason = error.message
        self._failed_together.pop(item.video_id, None)
        self._failed_together[item.video_id] = None
        if isinstance(error, BrokenWorker):
            self._crashes[item.video_id] = self._crashes.get(item.video_id, 0) + 1
        given_up = self._crashes.get(item.video_id, 0) >= CRASHES_AT_MOST
        async with self._database.transaction() as tx:
            await videos.probe_failed(tx, item.video_id, reason, now_ms())
            await videos.probed_by(tx, item.video_id, self._probe_version)
            if given_up:
                await videos.unreadable(tx, item.video_id, item.fingerprint, reason, now_ms())
                await gallery.refresh(tx, [item.video_id])
        self.failures.pop(item.video_id, None)
        self.failures[item.video_id] = FailedProbe(item.video_id, now_ms(), reason, given_up)
        for kept in (self.failures, self._failed_together, self._crashes):
            while len(kept) > FAILURES_KEPT:
                del kept[next(iter(kept))]

    async def reprobe(self, video_ids: Collection[int], urgent: bool = True) -> None:
        """Probe these again, as somebody asked for it; before all others, unless there are too
        many for that.
        """
        async with self._database.transaction() as tx:
            await videos.reprobe(tx, list(video_ids))
        for video_id in video_ids:
            self._stopped.pop(video_id, None)
        if urgent:
            self.visible(video_ids)
        self._sweep_again.set()
