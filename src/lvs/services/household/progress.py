"""Positions in films, and films that were watched.

Positions come every few seconds from every player. The first one is written at once, and those that
follow together, so that they cost one commit every half second and never stand before a rating.
A kill loses at most the positions of that time; of a film that plays alone none that was sent.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable

from lvs.clock import now_ms
from lvs.db import changes
from lvs.db import progress as rows
from lvs.db.database import Database, Transaction
from lvs.db.progress import PlaybackProgress, ProgressEvent, StartedVideo
from lvs.errors import Invalid, LvsError, NotFound, TooManyRequests
from lvs.models import Video, WatchState
from lvs.option_values import RateLimit
from lvs.services.household.personal_values import watched_value
from lvs.services.rate_limit import RateLimiter
from lvs.viewer import person_or_viewer, viewer

log = logging.getLogger(__name__)


FLUSH_S = 0.5
RECORDS = RateLimit(60, 10)  # of one client: a player sends one in ten seconds, and one for a seek
MOST_STARTED = 12
MAX_PENDING = 2000
WRITTEN_AT_ONCE = 50  # a rating that comes meanwhile waits for no more

WATCHED_SHARE = 0.92
LONG_VIDEO_S = 40 * 60  # of these the last minutes are credits
CREDITS_S = 5 * 60
SHORT_VIDEO_S = 60
SHORT_END_S = 0.5
TOLERANCE_S = 1.0  # players disagree by fractions of a second about where a film ends
LONGEST_S = 30 * 24 * 3600  # of a film whose length is not known


def is_watched(position_s: float, duration_s: float | None) -> bool:
    """True where a film counts as watched at this position: at 92 %, or in the last five minutes of
    a long one; a film under a minute at its end.
    """
    if not duration_s:
        return False
    if duration_s < SHORT_VIDEO_S:
        return position_s >= duration_s - min(SHORT_END_S, duration_s / 20)
    end_s = duration_s * WATCHED_SHARE
    if duration_s >= LONG_VIDEO_S:
        end_s = min(end_s, duration_s - CREDITS_S)
    return position_s >= end_s


class ProgressTracker:
    """Records positions and what is watched, and answers with them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._limiter = RateLimiter(RECORDS)
        self.flush_s = FLUSH_S
        self.revision = 0  # grows whenever a film was watched or marked
        self.nothing_yet = False  # no position was ever recorded, so that pages need not ask
        self._pending: dict[tuple[int, int], ProgressEvent] = {}
        # of a moment ago: a page may have read the film before that
        self._written: dict[tuple[int, int], ProgressEvent] = {}
        self._came = asyncio.Event()

    @property
    def waiting(self) -> int:
        """The number of positions that are not written yet."""
        return len(self._pending)

    async def record(
        self,
        media_hash: str,
        position_s: float,
        client: str,
        *,
        person: int | None = None,
        at_ms: int | None = None,
    ) -> WatchState:
        """Note that a film was played up to here, now or at `at_ms`; the state after it.

        A later event wins. Raises Invalid for a position that no film or not this one has,
        NotFound, TooManyRequests.
        """
        person = person_or_viewer(person)
        if not (math.isfinite(position_s) and 0 <= position_s <= LONGEST_S):
            raise Invalid("The position is a number of seconds from 0 to the end of the video.")
        self._limiter.check(client)
        video = await self._video(media_hash, person)
        if video.duration_s and position_s > video.duration_s + TOLERANCE_S:
            raise Invalid("The position lies beyond the end of the video.")
        at, seen = min(at_ms or now_ms(), now_ms()), is_watched(position_s, video.duration_s)
        before = self._overlaid(video.state, person, video.video_id)
        if before.updated_at > at:
            return before
        waiting = self._pending.get((person, video.video_id))
        event = ProgressEvent(
            person,
            video.video_id,
            0.0 if seen else position_s,
            seen or (waiting is not None and waiting.watched),
            at,
        )
        if waiting is None and len(self._pending) >= MAX_PENDING:
            raise TooManyRequests("Too many videos are played at once. Try again in 3 seconds.", 3)
        self._pending[person, video.video_id] = event
        self._came.set()
        self.revision += seen
        self.nothing_yet = False
        return _bounded(self._overlaid(video.state, person, video.video_id), video.duration_s)

    async def mark(
        self, media_hash: str, watched: bool, client: str = "", *, person: int | None = None
    ) -> WatchState:
        """Mark a video as watched, which forgets where one stopped, or as not watched.

        It is on disk afterwards, with a line in the journal. Raises NotFound.
        """
        person = person_or_viewer(person)
        video = await self._video(media_hash, person)

        async def change(tx: Transaction) -> None:
            before = await watched_value(tx, person, video.video_id)
            await rows.mark(tx, person, video.video_id, watched, now_ms())
            after = await watched_value(tx, person, video.video_id)
            if before != after:
                await changes.add(tx, video.video_id, "watched", before, after, client, now_ms())

        await self._write_behind_pending(person, video.video_id, change)
        return await self.get(media_hash, person=person)

    async def dismiss(self, media_hash: str, dismissed: bool, *, person: int | None = None) -> None:
        """Take a film out of those to go on with until it is played again, or put it back.

        Raises NotFound.
        """
        person = person_or_viewer(person)
        video = await self._video(media_hash, person)

        async def change(tx: Transaction) -> None:
            await rows.dismiss(tx, person, video.video_id, dismissed)

        await self._write_behind_pending(person, video.video_id, change)

    async def started(self, *, person: int | None = None) -> list[StartedVideo]:
        """The films to go on with, latest first."""
        person = person_or_viewer(person)
        if self.nothing_yet:
            return []
        waiting = {key[1]: event for key, event in self._pending.items() if key[0] == person}
        async with self._database.read() as db:
            found = await rows.started(db, person, MOST_STARTED + len(waiting))
            latest = await rows.begun(db, list(waiting.values())) if waiting else []
        written = [video for video in found if video.card.id not in waiting]
        return [*latest, *written][:MOST_STARTED]

    async def get(self, media_hash: str, *, person: int | None = None) -> WatchState:
        """The state of watching of a video. Raises NotFound."""
        person = person_or_viewer(person)
        video = await self._video(media_hash, person)
        return _bounded(self._overlaid(video.state, person, video.video_id), video.duration_s)

    async def position_s(self, media_hash: str) -> float | None:
        """The position to go on from, in seconds; None at the beginning. Raises NotFound."""
        return (await self.get(media_hash)).position_s or None

    def of_video(self, video: Video) -> WatchState:
        """The state of watching of a video that was just read."""
        state = self._overlaid(video.watch_state, viewer().person, video.id)
        return _bounded(state, video.probe.duration_s if video.probe else None)

    async def run(self) -> None:
        """Write what was recorded: at once, and then no more often than every `flush_s`."""
        async with self._database.read() as db:
            self.nothing_yet = not self._pending and await rows.is_empty(db)
        while True:
            if not self._pending:
                await self._came.wait()
            self._came.clear()
            try:
                await self.flush()
            except LvsError as error:
                log.warning("positions in films could not be written yet: %s", error.message)
            await asyncio.sleep(self.flush_s)
            self._written.clear()

    async def flush(self) -> None:
        """Write what was recorded. Raises DiskFull or Unavailable; nothing is forgotten then."""
        waiting = list(self._pending.items())
        for start in range(0, len(waiting), WRITTEN_AT_ONCE):
            some = waiting[start : start + WRITTEN_AT_ONCE]

            async def change(
                tx: Transaction, some: list[tuple[tuple[int, int], ProgressEvent]] = some
            ) -> None:
                await rows.record(tx, [event for _, event in some])

            await self._database.write(change)
            self._written.update(some)
            for key, event in some:
                if self._pending.get(key) is event:
                    del self._pending[key]
                self.revision += event.watched

    def note_changes(self) -> None:
        """Note that others changed what is watched."""
        self.revision += 1
        self.nothing_yet = False

    async def _write_behind_pending(
        self, person: int, video_id: int, change: Callable[[Transaction], Awaitable[None]]
    ) -> None:
        """Write a change of one film behind the position that waits for it."""
        pending = self._pending.pop((person, video_id), None)
        self._written.pop((person, video_id), None)
        self.nothing_yet = False

        async def both(tx: Transaction) -> None:
            if pending:
                await rows.record(tx, [pending])
            await change(tx)

        try:
            await self._database.write(both)
            self.revision += 1
        except BaseException:
            if pending:
                self._pending.setdefault((person, video_id), pending)
                self._came.set()
            raise

    async def _video(self, media_hash: str, person: int) -> PlaybackProgress:
        async with self._database.read() as db:
            video = await rows.named(db, person, media_hash)
        if video is None:
            raise NotFound("There is no such video.")
        return video

    def _overlaid(self, state: WatchState, person: int, video_id: int) -> WatchState:
        """The state with what is not written yet."""
        key = (person, video_id)
        event = self._pending.get(key) or self._written.get(key)
        if event is None or event.at < state.updated_at:
            return state
        return WatchState(event.position_s, event.watched or state.watched, event.at)


def _bounded(state: WatchState, duration_s: float | None) -> WatchState:
    """The state of a film that may have been replaced by a shorter cut."""
    if not duration_s or state.position_s <= duration_s:
        return state
    return WatchState(duration_s, state.watched, state.updated_at)
