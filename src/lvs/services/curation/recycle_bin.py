"""Videos that are gone from the library folders, and the recycle bin for those that are to be
forgotten.

Nothing gets here by itself. What was forgotten keeps all it has for 30 days, and comes back by
itself when its file does.
"""

import asyncio
import logging
import time
from collections.abc import Collection
from datetime import UTC, datetime

from msgspec import Struct

from lvs.clock import now_ms
from lvs.db import changes
from lvs.db import missing as rows
from lvs.db.database import Database
from lvs.db.missing import EVER, MissingVideo, Totals
from lvs.errors import LvsError
from lvs.services.backup.backups import NIGHT_ENDS, Backups
from lvs.services.cache import Cache

__all__ = ["DAYS_KEPT", "NIGHTS_KEPT", "MissingVideo", "RecycleBin", "days_left"]

log = logging.getLogger(__name__)

PAGE_SIZE = 100
SHOWN = 200  # titles that are named before something is forgotten
DAYS_KEPT = 30
# a clock that stands wrong by years must not empty the bin: so many nights have to pass as well
NIGHTS_KEPT = 7
REMOVED_AT_ONCE = 200
FIRST_CHECK_S = 120.0
CHECK_S = 600.0
DAY_MS = 86_400_000


class ForgetPreview(Struct, frozen=True):
    """A preview of forgetting: the totals, and the first of the videos."""

    sum: Totals
    videos: list[MissingVideo]


class RecycleBin:
    """Lists what is missing, forgets it on demand, and brings it back."""

    def __init__(self, database: Database, cache: Cache, backups: Backups) -> None:
        self._database = database
        self._cache = cache
        self._backups = backups

    async def page(
        self, after: tuple[int, int] | None = None, limit: int = PAGE_SIZE
    ) -> tuple[list[MissingVideo], tuple[int, int] | None]:
        """Missing videos, the latest first, and where the next ones start."""
        async with self._database.read() as db:
            found = await rows.listed(db, limit + 1, after)
        last = found[limit - 1] if len(found) > limit else None
        return found[:limit], (last.since, last.id) if last else None

    async def missing_totals(self) -> Totals:
        """Totals over all missing videos."""
        async with self._database.read() as db:
            return await rows.missing_totals(db, None, EVER)

    async def preview(self, ids: Collection[int] | None, until: int) -> ForgetPreview:
        """Preview of forgetting these videos, or all that were missing at `until` (Unix ms)."""
        async with self._database.read() as db:
            return ForgetPreview(
                await rows.missing_totals(db, ids, until),
                await rows.listed(db, SHOWN, ids=ids, until=until),
            )

    async def forget(self, ids: Collection[int] | None, until: int, client: str) -> int:
        """Put these into the recycle bin, or all that were missing at `until`; how many it took.

        One whose file is there stays.
        """
        async with self._database.transaction() as tx:
            at = now_ms()
            forgotten = await rows.forget(tx, ids, until, at)
            await changes.add_many(tx, forgotten, "forgotten", None, "1", client, at)
        self._cache.invalidate()
        return len(forgotten)

    async def forgotten(
        self, after: tuple[int, int] | None = None, limit: int = PAGE_SIZE
    ) -> tuple[list[MissingVideo], tuple[int, int] | None]:
        """Contents of the bin, latest first, and the cursor of the next ones."""
        async with self._database.read() as db:
            found = await rows.forgotten(db, limit + 1, after)
        last = found[limit - 1] if len(found) > limit else None
        return found[:limit], (last.forgotten_at or 0, last.id) if last else None

    async def forgotten_totals(self) -> Totals:
        """Totals over the bin."""
        async with self._database.read() as db:
            return await rows.bin_totals(db)

    async def restore(self, ids: Collection[int] | None, until: int, client: str) -> int:
        """Take these out of the bin, or all that were in it at `until` (Unix ms); how many that
        were.
        """
        async with self._database.transaction() as tx:
            restored = await rows.restore(tx, ids, until)
            await changes.add_many(tx, restored, "forgotten", "1", None, client, now_ms())
        self._cache.invalidate()
        return len(restored)

    # --- The end of the thirty days ---

    async def nightly(self, first_check_s: float = FIRST_CHECK_S) -> None:
        """Remove what has been in the bin for 30 days, for as long as the server runs."""
        await asyncio.sleep(first_check_s)
        while True:
            try:
                await self.clean_up(datetime.now(UTC))
            except LvsError as error:
                log.warning("the recycle bin could not be emptied: %s", error.message)
            except Exception:
                log.exception("emptying the recycle bin failed")
            await asyncio.sleep(CHECK_S)

    async def clean_up(self, now: datetime) -> int:
        """Remove for good, once a night, what is due, provided that a backup holds it; how many
        videos that were.
        """
        async with self._database.transaction() as tx:
            if not await rows.count_night(tx, (now.astimezone() - NIGHT_ENDS).date().isoformat()):
                return 0
        before = int(now.timestamp() * 1000) - DAYS_KEPT * DAY_MS
        async with self._database.read() as db:
            number, last = await rows.due(db, before, NIGHTS_KEPT)
        if not number:
            return 0
        newest = (await self._backups.state()).newest
        if newest is None or newest.made_at.timestamp() * 1000 < last:
            log.warning(
                "%d forgotten videos stay in the recycle bin: there is no backup that holds them",
                number,
            )
            return 0
        return await self._remove(before)

    async def _remove(self, before: int) -> int:
        number = 0
        while True:
            async with self._database.transaction() as tx:
                titles = await rows.remove(tx, before, NIGHTS_KEPT, REMOVED_AT_ONCE)
            if not titles:
                self._cache.clear()
                return number
            number += len(titles)
            log.info("removed for good, forgotten %d days ago: %s", DAYS_KEPT, "; ".join(titles))
            await asyncio.sleep(0)


def days_left(forgotten_at: int, now: float | None = None) -> int:
    """The number of days that a video forgotten then (Unix ms) still stays in the bin, at least."""
    passed_ms = (time.time() if now is None else now) * 1000 - forgotten_at
    return max(0, min(DAYS_KEPT, DAYS_KEPT - int(max(0.0, passed_ms) // DAY_MS)))
