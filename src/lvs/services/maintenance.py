"""The work behind the operator's buttons, each a task with its progress and its result."""

import asyncio

from msgspec.structs import replace

from lvs.db.added_dates import AddedDateRange
from lvs.models import Query, Sort
from lvs.services.background_tasks import BackgroundTask, BackgroundTasks
from lvs.services.backup.backups import Backups, in_words
from lvs.services.cache import Cache
from lvs.services.curation.added_dates import AddedDates
from lvs.services.curation.undo import UndoTally
from lvs.services.curation.undo_all import UndoAll
from lvs.services.gallery.gallery import MAX_RUN, Gallery
from lvs.services.library.library import Library
from lvs.services.media.probe_queue import ProbeQueue
from lvs.text import plural

POLL_S = 0.3
MOST_IDLE_POLLS = 10  # in a row, after which no more work is expected


class Maintenance:
    """Starts what a button asks for. Every method raises Conflict while the same is under way."""

    def __init__(
        self,
        background_tasks: BackgroundTasks,
        library: Library,
        backups: Backups,
        cache: Cache,
        jobs: ProbeQueue,
        gallery: Gallery,
        undo_all: UndoAll,
        added_dates: AddedDates,
    ) -> None:
        self._background_tasks = background_tasks
        self._library = library
        self._backups = backups
        self._cache = cache
        self._jobs = jobs
        self._gallery = gallery
        self._undo_all = undo_all
        self._added_dates = added_dates

    def scan(self) -> BackgroundTask:
        """Scan every library folder."""
        return self._background_tasks.start("scan", "Scan the library", self._scan)

    async def _scan(self, task: BackgroundTask) -> str:
        scan: asyncio.Future[None] = asyncio.ensure_future(self._library.scan())
        try:
            while not scan.done():
                await asyncio.wait([scan], timeout=POLL_S)
                task.reached(self._library.progress().files_seen, 0)
        finally:
            scan.cancel()
        await scan
        progress = self._library.progress()
        message = f"{plural(progress.files_seen, 'file')} seen, {progress.files_added:,} new."
        if progress.offline:
            message += f" Offline, and left as they are: {', '.join(progress.offline)}."
        return message + "".join(f" {problem}" for problem in progress.errors[:3])

    def back_up(self) -> BackgroundTask:
        """Make a backup and check it."""
        return self._background_tasks.start("backup", "Make a backup", self._back_up)

    async def _back_up(self, _: BackgroundTask) -> str:
        made = await self._backups.make()
        if made is None:
            return "No backup was made: there is nothing in the database yet."
        return f"{made.path.name} was made and checked: it holds {in_words(made.counts)}."

    def refresh_cache(self) -> BackgroundTask:
        """Clear the cache."""

        async def refresh(_: BackgroundTask) -> str:
            return (
                f"{plural(self._cache.clear(), 'value')} cleared. The next request reads the"
                " database."
            )

        return self._background_tasks.start("cache", "Refresh the cache", refresh)

    def reprobe(self, query: Query) -> BackgroundTask:
        """Probe every video of a gallery's selection again, which makes their posters anew."""

        async def reprobe(task: BackgroundTask) -> str:
            return await self._reprobe(task, query)

        return self._background_tasks.start("posters", "Make posters again", reprobe)

    async def _reprobe(self, task: BackgroundTask, query: Query) -> str:
        awaited, before = self._jobs.awaited, replace(self._jobs.tally)
        awaited.clear()
        total = 0
        # What is added meanwhile comes before the first.
        async for ids in self._gallery.ids(replace(query, sort=Sort.ADDED, descending=True)):
            awaited.update(ids)
            await self._jobs.reprobe(ids, urgent=False)
            total += len(ids)
            task.reached(0, total)
        idle = 0
        while awaited and idle < MOST_IDLE_POLLS:
            await asyncio.sleep(POLL_S)
            task.reached(total - len(awaited), total)
            idle = 0 if self._jobs.running or self._jobs.queued else idle + 1
        left = len(awaited)
        awaited.clear()
        message = f"{plural(total - left, 'video')} analysed."
        if left:
            message += f" {left:,} could not be: their files are away, or they were stopped."
        failed = (
            self._jobs.tally.failed
            + self._jobs.tally.unreadable
            - before.failed
            - before.unreadable
        )
        return message + (
            f" {plural(failed, 'probe')} failed meanwhile; the list of jobs says why."
            if failed
            else ""
        )

    def undo_all(
        self, client: str, since: int, until: int, up_to_id: int, by: str
    ) -> BackgroundTask:
        """Take back what a client changed between two moments (Unix ms), of videos up to and with
        that change.
        """

        async def undo(task: BackgroundTask) -> str:
            def tell(tally: UndoTally) -> None:
                task.reached(tally.done, tally.total)

            done = await self._undo_all.run(client, since, until, up_to_id, by, tell)
            return undo_message(done)

        return self._background_tasks.start("undo", f"Take back the changes of {client}", undo)

    def repair_dates(self, span: AddedDateRange, client: str) -> BackgroundTask:
        """Set dates of addition right that a wrong clock gave."""

        async def repair(task: BackgroundTask) -> str:
            done = await self._added_dates.repair(span, client, task.reached)
            return f"{plural(done, 'date')} repaired. Changes lists each, and takes it back."

        return self._background_tasks.start("dates", "Repair dates of addition", repair)

    async def reprobe_unreadable(self, reason: str | None) -> int:
        """Probe every unreadable file again, or those of one reason; how many there are."""
        number, after = 0, 0
        while True:
            found = await self._gallery.unreadable(MAX_RUN, after, reason)
            if not found:
                return number
            after = found[-1].file_id
            await self._jobs.reprobe({file.video_id for file in found}, urgent=False)
            number += len(found)


def undo_message(tally: UndoTally) -> str:
    """The result of an undo in words."""
    message = f"{plural(tally.done, 'change')} taken back."
    return message + "".join(
        f" {count:,} left as they are: {reason}" for reason, count in tally.skipped.most_common()
    )
