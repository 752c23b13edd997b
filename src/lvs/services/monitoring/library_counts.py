"""The library in numbers.

They are counted anew only when something changed, and no oftener than the counting is worth;
but whoever is told that a scan or a probe ended is told what it found.
"""

import asyncio
import time
from collections.abc import Collection
from typing import NamedTuple

from msgspec import Struct

from lvs.clock import now_ms
from lvs.db import added_dates, gallery, near_pairs
from lvs.db import overview as rows
from lvs.db.database import Database
from lvs.db.overview import FailingVideo, FolderCount
from lvs.services.events import Event, Events
from lvs.services.library.library import Library
from lvs.services.media.probe_queue import ProbeQueue
from lvs.services.metrics import timed

REASONS = 6
FAILING = 20
OLDEST_S = 60.0  # other programs change the database too
PAUSE_S = 2.0
SHARE = 50  # counting takes at most so small a part of the time


class LibraryCounts(Struct, frozen=True):
    """Counts over the configured library folders; `videos` are those that the gallery lists."""

    videos: int = 0
    hidden: int = 0
    files: int = 0
    size_bytes: int = 0
    missing: int = 0
    duplicates: int = 0
    near_pairs: int = 0
    unreadable: int = 0
    odd_dates: int = 0
    reasons: tuple[tuple[str, int], ...] = ()
    failing: tuple[FailingVideo, ...] = ()
    folders: tuple[FolderCount, ...] = ()


class _CountVersion(NamedTuple):
    """The state a count is valid for: the numbers of ended scans, of ended probes and of edits,
    which may have hidden videos, and the version of the gallery.
    """

    scans: int = 0
    probes: int = 0
    version: int = 0
    edits: int = 0


class LibraryCounter:
    """Counts the library, once for all who ask."""

    def __init__(
        self, database: Database, library: Library, jobs: ProbeQueue, events: Events
    ) -> None:
        self._database = database
        self._edits = 0
        events.on(Event.EDITED, self._count_edit)
        self._library = library
        self._jobs = jobs
        self._known = LibraryCounts()
        self._counted = _CountVersion()
        self._counted_at = 0.0
        self._not_before = 0.0
        self.clock = time.monotonic
        self._lock = asyncio.Lock()

    async def now(self) -> LibraryCounts:
        """The counts, at most a few seconds old while the library changes."""
        async with self._lock:
            now, state = self.clock(), self._state()
            all_probed = not self._jobs.remaining and state.probes != self._counted.probes
            ended = all_probed or state.scans != self._counted.scans
            stale = state != self._counted or now - self._counted_at > OLDEST_S
            if ended or (stale and now >= self._not_before):
                self._known = await self._count()
                self._counted, self._counted_at = state, now
                self._not_before = now + max(PAUSE_S, SHARE * (self.clock() - now))
            return self._known

    def _state(self) -> _CountVersion:
        progress, tally = self._library.progress(), self._jobs.tally
        probes = tally.done + tally.failed + tally.unreadable
        return _CountVersion(progress.scans_ended, probes, progress.version, self._edits)

    def _count_edit(self, _: Collection[int]) -> None:
        self._edits += 1

    @timed("overview.count")
    async def _count(self) -> LibraryCounts:
        async with self._database.read() as db:
            folders = await rows.folders(db)
            reasons = await rows.unreadable_by_reason(db, 1000)
            videos, hidden = await gallery.totals(db)
            return LibraryCounts(
                videos=videos,
                hidden=hidden,
                files=sum(folder.files for folder in folders),
                size_bytes=sum(folder.size_bytes for folder in folders),
                missing=await rows.missing_videos(db),
                duplicates=await rows.duplicated_videos(db),
                near_pairs=await near_pairs.count(db),
                odd_dates=await added_dates.count_impossible(db, now_ms()),
                unreadable=sum(count for _, count in reasons),
                reasons=tuple(reasons[:REASONS]),
                failing=tuple(await rows.failing(db, FAILING)),
                folders=tuple(folders),
            )

    async def titles(self, video_ids: list[int]) -> dict[int, tuple[str, str]]:
        """Media hash and title of some videos, by id."""
        if not video_ids:
            return {}
        async with self._database.read() as db:
            return await rows.titles(db, video_ids)
